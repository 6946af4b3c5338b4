"""The replica catalogue on the network: what the settings may say of it."""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from aggregator.configuration.service_secrets import ServiceEntry

_HEADER: Final = re.compile(r"[\x21-\x7e]{1,100}")


def _account(text: str) -> str:
    if _HEADER.fullmatch(text) is None:
        raise ValueError("should be the name of an account")
    return text


Seconds = Annotated[float, Field(gt=0)]


class CatalogueEntry(ServiceEntry):
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
        account: The account at Rucio, where the token doesn't say it.
    """

    kind: Literal["static", "dm-api", "rucio"] = "static"
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0
    ttl: Seconds = 300.0
    negative_ttl: Seconds = 30.0
    stale_for: Seconds = 86400.0
    pause: Seconds = 10.0
    entries: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
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
        if self.kind == "rucio" and not self.names_of_token:
            raise ValueError("kind rucio needs token_file or token_env")
        return self
