"""The site directory: ``sites.yaml`` as a whole, checked across its entries."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import Field, TypeAdapter

from aggregator.configuration.documents import Document
from aggregator.configuration.pointers import at, items_at, join
from aggregator.configuration.problems import Findings
from aggregator.configuration.sites import AUTO, USUAL_ADAPTER, Rse, SiteEntry
from aggregator.configuration.token_issuers import (
    issuer_names,
    read_token_issuers,
)
from aggregator.configuration.validation import (
    Entry,
    report_repeated,
    report_unknown,
    validated,
    validated_items,
)
from aggregator.credentials.token_endpoint import TokenIssuer
from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.sites import Site


class _SitesFile(Entry):
    """The file's own keys; its sites and issuers are validated one by one."""

    sites: tuple[Any, ...]
    rse_aliases: dict[Rse, Rse] = Field(default_factory=dict)
    token_issuers: dict[str, Any] = Field(default_factory=dict)


_FILE: Final = TypeAdapter(_SitesFile)
_SITE: Final = TypeAdapter(SiteEntry)


@dataclass(frozen=True, slots=True)
class Directory:
    """The sites, and what other files may refer to.

    Attributes:
        sites: Those that are valid, in the order of the file.
        names: Of all sites, so that one wrong entry isn't blamed elsewhere too;
            None where they aren't known, because the file couldn't be read.
        rse_aliases: Other names of storage elements, to their canonical names; both
            in upper case, as ``Links.rse`` compares them.
        token_issuers: Those that are valid, by name.
    """

    sites: tuple[Site, ...] = ()
    names: AbstractSet[str] | None = None
    rse_aliases: Mapping[str, str] = field(default_factory=dict)
    token_issuers: Mapping[str, TokenIssuer] = field(default_factory=dict)

    def rse(self, name: str) -> str:
        """Return the canonical name of a storage element."""
        return Links(rse_aliases=self.rse_aliases).rse(name)

    def rse_sites(self) -> dict[str, tuple[str, ...]]:
        """Return the sites that read each storage element, by its canonical name."""
        readers: dict[str, tuple[str, ...]] = {}
        for site in self.sites:
            for rse in dict.fromkeys(self.rse(name) for name in site.rses):
                readers[rse] = (*readers.get(rse, ()), site.name)
        return readers


def read_directory(
    document: Document | None,
    adapters: AbstractSet[str],
    dialects: AbstractSet[str],
    environ: Mapping[str, str],
    findings: Findings,
) -> Directory:
    """Return the directory that ``sites.yaml`` describes, as far as it is valid.

    Args:
        document: The file; None where it couldn't be read.
        adapters: The names of the site adapters that there are.
        dialects: The names of the dialects that there are.
        environ: The environment, which may hold secrets.
        findings: Take what is wrong.
    """
    if document is None:
        return Directory()
    file = validated(_FILE, document, findings)
    entries = validated_items(_SITE, document, findings, "/sites")
    names = _report_names(document, adapters, dialects, findings)
    urls = [(f"{pointer}/broker/url", entry.broker.url) for pointer, entry in entries]
    report_repeated(document, "url", urls, findings)
    directory = Directory(
        sites=tuple(entry.as_site() for _, entry in entries),
        names=frozenset(names),
        rse_aliases={} if file is None else _normal(file.rse_aliases),
        token_issuers=read_token_issuers(document, environ, findings),
    )
    _warn_of_releases(document, entries, findings)
    _check_aliases(document, directory, findings)
    if not any(site.enabled for site in directory.sites) and not findings.problems:
        reason = "no site is enabled: every request will be answered with 503"
        findings.warnings.append(document.problem("/sites", reason))
    return directory


def _report_names(
    document: Document,
    adapters: AbstractSet[str],
    dialects: AbstractSet[str],
    findings: Findings,
) -> list[str]:
    """Check the names that entries have and use, be the entries valid or not."""
    names: list[tuple[str, str]] = []
    issuers = issuer_names(document)
    for site in items_at(document.value, "/sites"):
        broker = f"{site}/broker"
        report_unknown(
            document, f"{broker}/adapter", adapters, findings, default=USUAL_ADAPTER
        )
        report_unknown(document, f"{broker}/dialect", {AUTO, *dialects}, findings)
        report_unknown(document, f"{broker}/token_issuer", issuers, findings)
        name = at(document.value, f"{site}/name")
        if isinstance(name, str):
            names.append((f"{site}/name", name))
    report_repeated(document, "name", names, findings)
    return [name for _, name in names]


def _warn_of_releases(
    document: Document, entries: Sequence[tuple[str, SiteEntry]], findings: Findings
) -> None:
    for pointer, entry in entries:
        if entry.broker.forgets_releases:
            reason = (
                f"releases at {entry.name} work only while the user's token is in"
                " memory and good, so not after a restart: name release_credentials,"
                " be it none"
            )
            place = f"{pointer}/broker/credentials"
            findings.warnings.append(document.problem(place, reason))


def _normal(aliases: Mapping[str, str]) -> dict[str, str]:
    return {alias.upper(): rse.upper() for alias, rse in aliases.items()}


def _check_aliases(
    document: Document, directory: Directory, findings: Findings
) -> None:
    known = directory.rse_sites()
    written = at(document.value, "/rse_aliases")
    if not isinstance(written, Mapping):
        return
    for alias in written:
        pointer = join("/rse_aliases", alias)
        target = directory.rse_aliases.get(alias.strip().upper())
        if target is None:
            continue
        if target in directory.rse_aliases:
            reason = f"{target} is an alias itself; name what it stands for"
            findings.problems.append(document.problem(pointer, reason))
        elif target not in known:
            reason = f"{target} is a storage element of no site"
            findings.warnings.append(document.problem(pointer, reason))
