"""Secrets by which the service itself is known to others: where they are to be had."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, SecretStr, model_validator

from aggregator.configuration.addresses import host_of, is_loopback, read_base_url
from aggregator.configuration.documents import Document
from aggregator.configuration.problems import Findings
from aggregator.configuration.validation import Entry

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _variable(text: str) -> str:
    if _VARIABLE.fullmatch(text) is None:
        raise ValueError("should be the name of an environment variable")
    return text


Variable = Annotated[str, AfterValidator(_variable)]
"""The name of an environment variable."""


class ServiceEntry(Entry):
    """Another service, and the token that it wants of us.

    Attributes:
        url: Its base URL.
        token_file: A file with the token, relative to the settings.
        token_env: The environment variable that has it.
    """

    url: Annotated[str, AfterValidator(read_base_url)] | None = None
    token_file: Path | None = None
    token_env: Variable | None = None

    @property
    def names_of_token(self) -> list[str]:
        """The settings that say where the token is."""
        return [key for key in ("token_file", "token_env") if getattr(self, key)]

    @model_validator(mode="after")
    def _keep_the_token_private(self) -> "ServiceEntry":
        named = self.names_of_token
        if len(named) > 1:
            raise ValueError("token_file and token_env exclude one another")
        url = self.url or ""
        if named and not url.startswith("https://") and not is_loopback(host_of(url)):
            raise ValueError(
                f"{named[0]} needs an https URL, so that nobody on the way reads it"
            )
        return self


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """A secret, or the file that has it; neither where none is needed."""

    given: SecretStr | None = None
    file: Path | None = None


def read_token(
    entry: ServiceEntry,
    document: Document,
    pointer: str,
    base: Path,
    environ: Mapping[str, str],
    findings: Findings,
) -> SecretPlace:
    """Return the token that the settings point to.

    Args:
        entry: What they say of the other service.
        document: The settings.
        pointer: Where in them that stands.
        base: The directory that files are relative to.
        environ: The environment.
        findings: Take what is wrong.
    """
    return read_secret(
        document,
        pointer,
        ("token_file", entry.token_file),
        ("token_env", entry.token_env),
        base,
        environ,
        findings,
    )


def read_secret(
    document: Document,
    pointer: str,
    by_file: tuple[str, Path | None],
    by_variable: tuple[str, str | None],
    base: Path,
    environ: Mapping[str, str],
    findings: Findings,
) -> SecretPlace:
    """Return the secret that a part of a document points to.

    Args:
        document: The document.
        pointer: Which part.
        by_file: The key that names a file, and the file, if one is named.
        by_variable: The key that names an environment variable, and that variable.
        base: The directory that files are relative to.
        environ: The environment.
        findings: Take what is wrong; never the secret.
    """
    key, variable = by_variable
    if variable is not None:
        text = environ.get(variable, "").strip()
        if not text:
            reason = f"the environment variable {variable} is not set"
            findings.problems.append(document.problem(f"{pointer}/{key}", reason))
        return SecretPlace(given=SecretStr(text))
    key, named = by_file
    if named is None:
        return SecretPlace()
    file = base / named
    if not os.access(file, os.R_OK) or not file.is_file():
        reason = f"{file} is no file that can be read"
        findings.problems.append(document.problem(f"{pointer}/{key}", reason))
    return SecretPlace(file=file)
