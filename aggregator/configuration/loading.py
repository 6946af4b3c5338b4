"""Loading: all files of a configuration, checked by themselves and together."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from aggregator.configuration.addresses import is_remote
from aggregator.configuration.directory import read_directory
from aggregator.configuration.documents import Document
from aggregator.configuration.files import Files, read_settings
from aggregator.configuration.links import read_links
from aggregator.configuration.pointers import at
from aggregator.configuration.policies import read_policies
from aggregator.configuration.probe_request import (
    PLACE,
    read_probe_request,
    report_unknown_sites,
)
from aggregator.configuration.problems import ConfigurationError, Findings, Problem
from aggregator.configuration.replicas import read_replicas
from aggregator.configuration.service_secrets import SecretPlace, read_token
from aggregator.configuration.settings import Settings
from aggregator.configuration.validation import validated
from aggregator.credentials.token_endpoint import TokenIssuer
from aggregator.domain.ranking.components import Components
from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.ranking.policy import Policy
from aggregator.domain.replicas import Did, LocatedData
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.sites import Site

_SETTINGS: Final = TypeAdapter(Settings)


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that files and environment say, checked.

    Attributes:
        sites: In configured order, those that are not enabled too.
        token_issuers: Where tokens for sites come from, by name.
        located: The static replica catalogue; empty where there is none.
        catalogue_token: By which the replica catalogue on the network knows us.
        registry_token: The same of the site registry.
        probe_request: What synthetic probes ask for; None where there are none.
        policies: In order; the first that matches a request serves it.
        files: All files that were read, the settings first.
        sums: The hex digest of what each of them held.
        warnings: What deserves a look, but doesn't stop the start.
    """

    settings: Settings
    sites: tuple[Site, ...]
    links: Links
    located: Mapping[Did, LocatedData]
    policies: tuple[Policy, ...]
    files: tuple[Path, ...]
    sums: Mapping[Path, str]
    warnings: tuple[Problem, ...] = ()
    catalogue_token: SecretPlace = field(default_factory=SecretPlace)
    registry_token: SecretPlace = field(default_factory=SecretPlace)
    probe_request: ExecutionRequest | None = None
    token_issuers: Mapping[str, TokenIssuer] = field(default_factory=dict)


def load(
    path: Path,
    environ: Mapping[str, str],
    *,
    adapters: AbstractSet[str],
    dialects: AbstractSet[str],
    components: Components,
) -> Configuration:
    """Read the settings, and the files that they name.

    Args:
        path: The settings file; the files that it names are relative to it.
        environ: The environment, whose ``METABROKER_`` variables override settings.
        adapters: The names of the site adapters that there are.
        dialects: The names of the dialects that there are.
        components: The filters and weighers that policies may name.

    Raises:
        ConfigurationError: With all that is wrong in any of the files.
    """
    findings = Findings()
    document = read_settings(path, environ, findings)
    if document is None:
        raise ConfigurationError(findings.in_order())
    settings = validated(_SETTINGS, document, findings)
    _check_public_url(document, findings)
    catalogue_token, registry_token = _tokens(
        settings, document, path.parent, environ, findings
    )
    files = Files(path, document, findings)
    directory = read_directory(
        files.named("sites"), adapters, dialects, environ, findings
    )
    links = read_links(files.named("links"), directory, findings)
    located = read_replicas(files.named("replicas"), directory, findings)
    policies = read_policies(files.ranking(), components, directory, findings)
    probe_request = read_probe_request(files.named_at(f"{PLACE}/request"), findings)
    report_unknown_sites(document, directory.names, findings)
    if settings is None or findings.problems:
        raise ConfigurationError(findings.in_order())
    return Configuration(
        settings=settings,
        sites=directory.sites,
        links=links,
        located=located,
        policies=policies,
        files=tuple(files.looked_for),
        sums=files.sums,
        warnings=tuple(findings.warnings),
        catalogue_token=catalogue_token,
        registry_token=registry_token,
        probe_request=probe_request,
        token_issuers=directory.token_issuers,
    )


def _tokens(
    settings: Settings | None,
    document: Document,
    base: Path,
    environ: Mapping[str, str],
    findings: Findings,
) -> tuple[SecretPlace, SecretPlace]:
    """Return the tokens for the replica catalogue and for the site registry."""
    if settings is None:
        return SecretPlace(), SecretPlace()
    return (
        read_token(settings.catalogue, document, "/catalogue", base, environ, findings),
        read_token(settings.registry, document, "/registry", base, environ, findings),
    )


def _check_public_url(document: Document, findings: Findings) -> None:
    """Refuse to listen to other machines without knowing the URL that they use."""
    host = at(document.value, "/listen/host")
    named = at(document.value, "/public_url") is not None
    if isinstance(host, str) and is_remote(host) and not named:
        reason = (
            f"listening at {host}, which other machines can reach, needs public_url:"
            " the URL that clients use, on which every link in an answer is built"
        )
        findings.problems.append(document.problem("/listen/host", reason))
