"""The replica catalogue on the network: what the settings may say of it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from aggregator.configuration.addresses import host_of, is_loopback, read_base_url
from aggregator.configuration.documents import Document
from aggregator.configuration.problems import Findings
from aggregator.configuration.validation import Entry

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER: Final = re.compile(r"[\x21-\x7e]{1,100}")


def _variable(text: str) -> str:
    if _VARIABLE.fullmatch(text) is None:
        raise ValueError("should be the name of an environment variable")
    return text


def _account(text: str) -> str:
    if _HEADER.fullmatch(text) is None:
        raise ValueError("should be the name of an account")
    return text


Seconds = Annotated[float, Field(gt=0)]


class CatalogueEntry(Entry):
    """Where replicas are looked up. Times are in seconds.

    Attributes:
        kind: ``static`` is the file of replicas alone; ``dm-api`` and ``rucio`` are
            services on the network, with that file for what they don't tell.
        timeout: The longest that one lookup may take; ``fan_out.lookup`` is the
            longest that a request waits for it.
        ttl: How long an answer is good.
        negative_ttl: The same of the answer that a dataset isn't known.
        stale_for: How long an answer is still used while the service is away.
        pause: How long a lookup that failed isn't tried again.
        entries: Datasets that are remembered.
        token_file: A file with the service's token, relative to the settings.
        token_env: The environment variable that has it.
        account: The account at Rucio, where the token doesn't say it.
    """

    kind: Literal["static", "dm-api", "rucio"] = "static"
    url: Annotated[str, AfterValidator(read_base_url)] | None = None
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    ttl: Seconds = 300.0
    negative_ttl: Seconds = 30.0
    stale_for: Seconds = 86400.0
    pause: Seconds = 10.0
    entries: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    token_file: Path | None = None
    token_env: Annotated[str, AfterValidator(_variable)] | None = None
    account: Annotated[str, AfterValidator(_account)] | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "CatalogueEntry":
        if self.kind == "static":
            for key in ("url", "token_file", "token_env", "account"):
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} is for kind dm-api or rucio, not static")
            return self
        if self.url is None:
            raise ValueError(f"kind {self.kind} needs the url of that service")
        if self.account is not None and self.kind != "rucio":
            raise ValueError("account is for kind rucio alone")
        return self

    @model_validator(mode="after")
    def _keep_the_token_private(self) -> "CatalogueEntry":
        named = [key for key in ("token_file", "token_env") if getattr(self, key)]
        if len(named) > 1:
            raise ValueError("token_file and token_env exclude one another")
        if self.kind == "rucio" and not named:
            raise ValueError("kind rucio needs token_file or token_env")
        url = self.url or ""
        if named and not url.startswith("https://") and not is_loopback(host_of(url)):
            raise ValueError(
                f"{named[0]} needs an https URL, so that nobody on the way reads it"
            )
        return self


@dataclass(frozen=True, slots=True)
class CatalogueToken:
    """The service's token for the catalogue; neither where it needs none."""

    given: SecretStr | None = None
    file: Path | None = None


def read_token(
    entry: CatalogueEntry,
    document: Document,
    base: Path,
    environ: Mapping[str, str],
    findings: Findings,
) -> CatalogueToken:
    """Return the token that the settings point to.

    Args:
        entry: What they say of the catalogue.
        document: The settings.
        base: The directory that files are relative to.
        environ: The environment.
        findings: Take what is wrong.
    """
    if entry.token_env is not None:
        text = environ.get(entry.token_env, "").strip()
        if not text:
            reason = f"the environment variable {entry.token_env} is not set"
            findings.problems.append(document.problem("/catalogue/token_env", reason))
        return CatalogueToken(given=SecretStr(text))
    if entry.token_file is None:
        return CatalogueToken()
    file = base / entry.token_file
    if not os.access(file, os.R_OK) or not file.is_file():
        reason = f"{file} is no file that can be read"
        findings.problems.append(document.problem("/catalogue/token_file", reason))
    return CatalogueToken(file=file)
