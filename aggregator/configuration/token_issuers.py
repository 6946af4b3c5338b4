"""Token issuers: where ``sites.yaml`` says that tokens for sites come from."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from aggregator.configuration.addresses import host_of, is_loopback, read_base_url
from aggregator.configuration.documents import Document
from aggregator.configuration.pointers import at, join
from aggregator.configuration.problems import Findings
from aggregator.configuration.service_secrets import (
    SecretPlace,
    Variable,
    read_secret,
)
from aggregator.configuration.validation import Entry, validated
from aggregator.credentials.token_endpoint import TokenIssuer

_PRINTABLE: Final = re.compile(r"[\x21-\x7e]{1,256}")
_PLACE: Final = "/token_issuers"


def _client_id(text: str) -> str:
    if _PRINTABLE.fullmatch(text) is None:
        raise ValueError("should be the name of a client, without spaces")
    return text


def _token_endpoint(text: str) -> str:
    url = read_base_url(text)
    if not url.startswith("https://") and not is_loopback(host_of(url)):
        raise ValueError(
            "should be an https URL, so that nobody on the way reads tokens"
        )
    return url


class TokenIssuerEntry(Entry):
    """A token issuer, and how it knows the service.

    Attributes:
        token_endpoint: The URL at which it issues tokens.
        client_id: The service's name at the issuer.
        client_secret_file: A file with the client's secret, relative to this one.
        client_secret_env: The environment variable that has it.
        client_authentication: Whether the secret is shown as ``Authorization: Basic``
            or in the form that is posted.
        timeout: The longest that one token may take, in seconds.
    """

    token_endpoint: Annotated[str, AfterValidator(_token_endpoint)]
    client_id: Annotated[str, AfterValidator(_client_id)]
    client_secret_file: Path | None = None
    client_secret_env: Variable | None = None
    client_authentication: Literal["basic", "post"] = "basic"
    timeout: Annotated[float, Field(gt=0, le=30)] = 3.0

    @model_validator(mode="after")
    def _one_secret(self) -> "TokenIssuerEntry":
        if self.client_secret_file and self.client_secret_env:
            raise ValueError(
                "client_secret_file and client_secret_env exclude one another"
            )
        if not (self.client_secret_file or self.client_secret_env):
            raise ValueError("client_secret_file or client_secret_env is missing")
        return self

    def as_issuer(self, name: str, secret: SecretPlace) -> TokenIssuer:
        """Return the issuer as tokens are asked of it."""
        return TokenIssuer(
            name=name,
            token_endpoint=self.token_endpoint,
            client_id=self.client_id,
            secret=secret.given,
            secret_file=secret.file,
            client_authentication=self.client_authentication,
            timeout=self.timeout,
        )


_ENTRY: Final = TypeAdapter(TokenIssuerEntry)


def issuer_names(document: Document) -> frozenset[str]:
    """Return the names of the token issuers that there are, valid or not."""
    written: Any = at(document.value, _PLACE)
    return frozenset(written) if isinstance(written, Mapping) else frozenset()


def read_token_issuers(
    document: Document, environ: Mapping[str, str], findings: Findings
) -> Mapping[str, TokenIssuer]:
    """Return the token issuers that ``sites.yaml`` describes, those that are valid.

    Args:
        document: The file.
        environ: The environment, which may hold secrets.
        findings: Take what is wrong.
    """
    issuers = {}
    base = Path(document.name).parent
    for name in issuer_names(document):
        place = join(_PLACE, name)
        entry = validated(_ENTRY, document, findings, place)
        if entry is not None:
            secret = read_secret(
                document,
                place,
                ("client_secret_file", entry.client_secret_file),
                ("client_secret_env", entry.client_secret_env),
                base,
                environ,
                findings,
            )
            issuers[name] = entry.as_issuer(name, secret)
    return issuers
