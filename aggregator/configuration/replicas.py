"""The static replica catalogue: what ``replicas.yaml`` may hold."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from aggregator.configuration.directory import Directory
from aggregator.configuration.documents import Document
from aggregator.configuration.problems import Findings
from aggregator.configuration.sites import Rse
from aggregator.configuration.validation import (
    Entry,
    report_repeated,
    validated,
    validated_items,
)
from aggregator.domain.replicas import Did, LocatedData, Replica


def _did(text: str) -> Did:
    namespace, _, name = text.partition(":")
    if not namespace.strip() or not name.strip():
        raise ValueError("should be scope:name")
    return Did(namespace.strip(), name.strip())


def _did_text(text: str) -> str:
    _did(text)
    return text


class _ReplicaEntry(Entry):
    """One copy at one storage element."""

    rse: Rse
    url: str = ""
    tape: bool = False


class _DatasetEntry(Entry):
    """One dataset; its identifier is ``did``, or ``namespace`` and ``name``."""

    did: Annotated[str, AfterValidator(_did_text)] | None = None
    namespace: Annotated[str, Field(min_length=1)] | None = None
    name: Annotated[str, Field(min_length=1)] | None = None
    size_bytes: Annotated[int, Field(ge=0)] | None = None
    files: Annotated[int, Field(ge=1)] = 1
    replicas: tuple[_ReplicaEntry, ...] = ()

    @model_validator(mode="after")
    def _one_identifier(self) -> "_DatasetEntry":
        parts = [part for part in (self.namespace, self.name) if part is not None]
        if len(parts) != (2 if self.did is None else 0):
            raise ValueError("a dataset needs either did, or namespace and name")
        return self

    def as_located(self) -> LocatedData:
        """Return the dataset as a catalogue knows it."""
        did = Did(self.namespace or "", self.name or "")
        return LocatedData(
            did=did if self.did is None else _did(self.did),
            replicas=tuple(
                Replica(entry.rse, entry.url, entry.tape) for entry in self.replicas
            ),
            size=self.size_bytes,
            files=self.files,
        )


class _ReplicasFile(Entry):
    """The file's own keys; its datasets are validated one by one."""

    datasets: tuple[Any, ...]


_FILE: Final = TypeAdapter(_ReplicasFile)
_DATASET: Final = TypeAdapter(_DatasetEntry)


def read_replicas(
    document: Document | None, directory: Directory, findings: Findings
) -> Mapping[Did, LocatedData]:
    """Return where the file says that data are, as far as it is valid.

    Args:
        document: ``replicas.yaml``; None where there is none.
        directory: The sites, whose storage elements are known.
        findings: Take what is wrong.
    """
    if document is None:
        return {}
    validated(_FILE, document, findings)
    entries = validated_items(_DATASET, document, findings, "/datasets")
    located = [(pointer, entry.as_located()) for pointer, entry in entries]
    dids = [(pointer, data.did) for pointer, data in located]
    report_repeated(document, "dataset", dids, findings)
    known = directory.rse_sites().keys()
    for pointer, data in located:
        rses = [
            (f"{pointer}/replicas/{index}/rse", directory.rse(replica.rse))
            for index, replica in enumerate(data.replicas)
        ]
        report_repeated(document, "storage element", rses, findings)
        _warn_of_strangers(document, rses, known, findings)
    return {data.did: data for _, data in located}


def _warn_of_strangers(
    document: Document,
    rses: Sequence[tuple[str, str]],
    known: AbstractSet[str],
    findings: Findings,
) -> None:
    for place, name in rses:
        if name not in known:
            reason = f"{name} is a storage element of no site"
            findings.warnings.append(document.problem(place, reason))
