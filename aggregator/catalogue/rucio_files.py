"""What Rucio says of files, and what that says of datasets that consist of them."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from aggregator.catalogue.urls import best_url
from aggregator.domain.replicas import Did, LocatedData, Replica

_AVAILABLE: Final = "AVAILABLE"
_TAPE: Final = "TAPE"
_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class RucioFile:
    """One line of an answer: a file and its available replicas.

    Attributes:
        size: In bytes, None where it isn't said.
        parents: The datasets and containers that have it, as ``scope:name``; None
            where the answer doesn't say.
    """

    did: Did
    size: int | None
    replicas: tuple[Replica, ...]
    parents: tuple[str, ...] | None


def read_file(line: bytes) -> RucioFile:
    """Read one line of an answer.

    Raises:
        ValueError: It isn't whole, or says nothing of a file.
    """
    entry = orjson.loads(line)
    if not isinstance(entry, dict):
        raise ValueError("the line is no object")  # noqa: TRY004 - as of other lines
    scope, name, size = entry.get("scope"), entry.get("name"), entry.get("bytes")
    if not isinstance(scope, str) or not isinstance(name, str):
        raise ValueError("the line names no file")  # noqa: TRY004 - as of other lines
    parents = entry.get("parents")
    return RucioFile(
        did=Did(scope, name),
        size=size if type(size) is int and size >= 0 else None,
        replicas=_replicas(entry),
        parents=tuple(filter(_is_text, parents)) if isinstance(parents, list) else None,
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _replicas(entry: Mapping[str, Any]) -> tuple[Replica, ...]:
    """Return the replicas at elements that can be read and where the file is whole."""
    states = _mapping(entry, "states")
    urls: dict[str, list[str]] = {rse: [] for rse in _mapping(entry, "rses")}
    media: dict[str, set[object]] = {rse: set() for rse in urls}
    for url, about in _mapping(entry, "pfns").items():
        rse = about.get("rse") if isinstance(about, dict) else None
        if isinstance(rse, str):
            urls.setdefault(rse, []).append(url)
            media.setdefault(rse, set()).add(str(about.get("type")))
    return tuple(
        Replica(rse, best_url(urls[rse]), tape=media[rse] == {_TAPE})
        for rse in urls
        if states.get(rse) == _AVAILABLE
    )


def _mapping(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = entry.get(key)
    return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class Tally:
    """The files of one dataset or container, counted as they come.

    Attributes:
        sized: Files whose size is known; ``size`` is that of these.
        held: At each storage element, how many of the files it has.
        tape: Storage elements that have any of the files on tape.
    """

    files: int = 0
    sized: int = 0
    size: int = 0
    held: Counter[str] = field(default_factory=Counter)
    tape: set[str] = field(default_factory=set)

    def add(self, file: RucioFile) -> None:
        """Count a file in."""
        self.files += 1
        if file.size is not None:
            self.sized += 1
            self.size += file.size
        for replica in file.replicas:
            self.held[replica.rse] += 1
            if replica.tape:
                self.tape.add(replica.rse)

    def as_located(self, did: Did) -> LocatedData:
        """Return what the files say of the dataset that consists of them.

        A storage element holds a replica of it where it has all files. Elements that
        have some are left out, which the caveat says: more counts as missing than is.
        No URL is that of many files.
        """
        whole = [rse for rse, count in self.held.items() if count == self.files]
        return LocatedData(
            did,
            tuple(Replica(rse, tape=rse in self.tape) for rse in sorted(whole)),
            size=self.size if self.sized == self.files else None,
            files=self.files,
            caveat=_caveat(self.held.keys() - whole),
        )


def _caveat(partial: Collection[str]) -> str:
    if not partial:
        return ""
    named = sorted(partial)[:_MOST_NAMED]
    rest = len(partial) - len(named)
    more = f" and {rest} more" if rest else ""
    return f"its files at {', '.join(named)}{more} are not counted: not all are there"


class Answer:
    """What the files in an answer tell of the datasets that were asked for.

    Attributes:
        broke_off: Whether it ended too early: then only single files can be trusted.
    """

    def __init__(self, asked: Collection[Did]) -> None:
        self.broke_off = False
        self._asked = {str(did): did for did in asked}
        self._files: dict[Did, LocatedData] = {}
        self._datasets: dict[Did, Tally] = {}
        self._strangers = Tally()
        self._orphaned = False

    def add(self, file: RucioFile) -> None:
        """Take in one file."""
        if str(file.did) in self._asked:
            self._files[file.did] = LocatedData(file.did, file.replicas, file.size)
        else:
            self._strangers.add(file)
            self._orphaned = self._orphaned or file.parents is None
        for parent in self._asked.keys() & set(file.parents or ()):
            self._datasets.setdefault(self._asked[parent], Tally()).add(file)

    def located(self) -> dict[Did, LocatedData]:
        """Return what the answer tells."""
        if self.broke_off:
            return self._files
        tallies = dict(self._datasets)
        if len(self._asked) == 1 and self._strangers.files:
            tallies = dict.fromkeys(self._asked.values(), self._strangers)
        datasets = {did: tally.as_located(did) for did, tally in tallies.items()}
        return {**datasets, **self._files}

    def left_open(self) -> list[Did]:
        """Return the datasets whose files the answer may have, but doesn't name so."""
        if self.broke_off or len(self._asked) == 1 or not self._orphaned:
            return []
        told = self._files.keys() | self._datasets.keys()
        return [did for did in self._asked.values() if did not in told]
