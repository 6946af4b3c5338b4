"""Ranking policies: files of ``config/ranking``, made into what ranking uses."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from aggregator.configuration.directory import Directory, read_directory
from aggregator.configuration.documents import (
    Document,
    parse_document,
    read_document,
)
from aggregator.configuration.pointers import at, items_at, join, steps
from aggregator.configuration.problems import ConfigurationError, Findings
from aggregator.configuration.validation import (
    report_unknown,
    suggestion,
    validated,
    validated_value,
)
from aggregator.domain.errors import InputError, InvalidInput, SyntaxFault, Violation
from aggregator.domain.ranking.components import Components, Filter, Weigher
from aggregator.domain.ranking.document import PolicyDocument
from aggregator.domain.ranking.policy import Place, Policy, PolicyFault, assemble
from aggregator.domain.ranking.site_filters import RequiredRse, SiteList
from aggregator.domain.ranking.user_weighers import FairShare, HomeSite
from aggregator.domain.ranking.weighers import Preference

T = TypeVar("T")

_POLICY: Final = TypeAdapter(PolicyDocument)


def load_policies(
    paths: Sequence[Path],
    components: Components,
    sites: Path | None = None,
    findings: Findings | None = None,
) -> tuple[Policy, ...]:
    """Read policies alone, without the rest of a configuration.

    Args:
        paths: Their files, in order.
        components: The filters and weighers that they may name.
        sites: The file of the sites that they may name; None allows any name.
        findings: Take what deserves a warning.

    Raises:
        ConfigurationError: With all that is wrong with them.
    """
    findings = Findings() if findings is None else findings
    directory = _directory_in(sites, findings)
    documents = [read_document(path, findings) for path in paths]
    read = [document for document in documents if document is not None]
    policies = read_policies(read, components, directory, findings)
    if findings.problems:
        raise ConfigurationError(findings.in_order())
    return policies


def _directory_in(sites: Path | None, findings: Findings) -> Directory:
    """Return the sites of a file; whatever is wrong with these is not told here."""
    document = None if sites is None else read_document(sites, findings)
    return read_directory(document, frozenset(), frozenset(), {}, Findings())


class PolicyTexts:
    """Reads policies that come as texts: ``ports.policies.PolicyReader``.

    Args:
        components: The filters and weighers that they may name.
    """

    def __init__(self, components: Components) -> None:
        self._components = components

    def read(self, text: bytes, sites: AbstractSet[str]) -> Policy:
        """Return the policy that ``text`` is.

        Raises:
            SyntaxFault: The text isn't well-formed.
            InvalidInput: It isn't a policy; each violation with line and column.
        """
        findings = Findings()
        document = parse_document(text, "the policy", findings)
        if document is None:
            raise _refusal(SyntaxFault, "the policy can't be read", findings)
        directory = Directory(names=sites)
        policies = read_policies([document], self._components, directory, findings)
        if findings.problems:
            raise _refusal(InvalidInput, "this is not a ranking policy", findings)
        return policies[0]


def _refusal(kind: type[InputError], detail: str, findings: Findings) -> InputError:
    return kind(
        detail,
        [
            Violation(problem.pointer, problem.reason, problem.line, problem.column)
            for problem in findings.in_order()
        ],
    )


def read_policies(
    documents: Sequence[Document],
    components: Components,
    directory: Directory,
    findings: Findings,
) -> tuple[Policy, ...]:
    """Return the policies that files describe, as far as they are valid.

    Args:
        documents: The files, in order; the digest of each one's bytes becomes part
            of its policy's identity.
        components: The filters and weighers that they may name.
        directory: The sites that they may name.
        findings: Take what is wrong with them.
    """
    first: dict[str, str] = {}
    for document in documents:
        name = at(document.value, "/metadata/name")
        if (
            isinstance(name, str)
            and first.setdefault(name, document.name) != document.name
        ):
            reason = f"a policy {name} is in {first[name]} already"
            findings.problems.append(document.problem("/metadata/name", reason))
        _report_strangers(document, directory, findings)
        _warn_of_foreign_rses(document, directory, findings)
    policies = [_policy(document, components, findings) for document in documents]
    return tuple(policy for policy in policies if policy is not None)


def _policy(
    document: Document, components: Components, findings: Findings
) -> Policy | None:
    def read(schema: type[T], entry: Mapping[str, Any], place: Place) -> T:
        adapter = TypeAdapter(schema)
        pointer = join("", *place)
        found = validated_value(adapter, entry, document, findings, pointer)
        assert found is not None, "all entries were checked before"
        return found

    before = len(findings.problems)
    written = validated(_POLICY, document, findings)
    _check_entries(document, "/filters", components.filters, findings)
    _check_entries(document, "/weighers", components.weighers, findings)
    if written is None or len(findings.problems) > before:
        return None
    try:
        return assemble(written, document.sha256, components, read)
    except PolicyFault as fault:
        pointer = join("", *fault.place)
        findings.problems.append(document.problem(pointer, fault.reason))
        return None


def _check_entries(
    document: Document,
    pointer: str,
    known: Mapping[str, type[Filter]] | Mapping[str, type[Weigher]],
    findings: Findings,
) -> None:
    """Check every filter or weigher, where putting together ends at the first fault."""
    for place, entry in _entries(document, pointer):
        name = entry.get("name")
        if not isinstance(name, str):
            reason = f"'name' is missing; known are {', '.join(sorted(known))}"
            findings.problems.append(document.problem(place, reason))
        elif name not in known:
            report_unknown(document, f"{place}/name", known.keys(), findings)
        else:
            keys = {key: value for key, value in entry.items() if key != "name"}
            adapter: TypeAdapter[Any] = TypeAdapter(known[name])
            validated_value(adapter, keys, document, findings, place)


def _entries(
    document: Document, pointer: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for place in items_at(document.value, pointer):
        entry = at(document.value, place)
        if isinstance(entry, Mapping):
            yield place, entry


def _report_strangers(
    document: Document, directory: Directory, findings: Findings
) -> None:
    """Report what the policy names of sites that there are not."""
    if directory.names is None:
        return
    for pointer, name in _site_names(document):
        if name not in directory.names:
            reason = f"there is no site {name}{suggestion(name, directory.names)}"
            is_key = steps(pointer)[-1] == name
            problem = document.key_problem if is_key else document.problem
            findings.problems.append(problem(pointer, reason))


def _warn_of_foreign_rses(
    document: Document, directory: Directory, findings: Findings
) -> None:
    """Warn of storage elements of no site; the site registry may know more of them."""
    known = directory.rse_sites()
    if not known:
        return
    for place, entry in _entries(document, "/filters"):
        if entry.get("name") == RequiredRse.name:
            for pointer, name in _names(document, f"{place}/rses"):
                if directory.rse(name) not in known:
                    nearest = suggestion(name, [*known, *directory.rse_aliases])
                    reason = f"{name} is a storage element of no site{nearest}"
                    findings.warnings.append(document.problem(pointer, reason))


def _site_names(document: Document) -> Iterator[tuple[str, str]]:
    """Give the names of sites in a policy, each with its place."""
    yield from _names(document, "/estimate/data/staging_by_site")
    for place, entry in _entries(document, "/filters"):
        if entry.get("name") == SiteList.name:
            yield from _names(document, f"{place}/allow")
            yield from _names(document, f"{place}/deny")
    for place, entry in _entries(document, "/weighers"):
        if entry.get("name") == Preference.name:
            yield from _names(document, f"{place}/sites")
        elif entry.get("name") == FairShare.name and entry.get("of") == "site":
            yield from _names(document, f"{place}/shares_percent")
        elif entry.get("name") == HomeSite.name:
            yield from _values(document, f"{place}/site_by_group")


def _values(document: Document, pointer: str) -> Iterator[tuple[str, str]]:
    """Give the values of a mapping."""
    value = at(document.value, pointer)
    for name, item in value.items() if isinstance(value, Mapping) else ():
        if isinstance(item, str):
            yield join(pointer, name), item


def _names(document: Document, pointer: str) -> Iterator[tuple[str, str]]:
    """Give the keys of a mapping or the items of a list."""
    value = at(document.value, pointer)
    if isinstance(value, Mapping):
        yield from ((join(pointer, name), name) for name in value)
    elif isinstance(value, list):
        for index, name in enumerate(value):
            if isinstance(name, str):
                yield join(pointer, index), name
