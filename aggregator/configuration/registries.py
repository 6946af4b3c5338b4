"""The site registry on the network: what the settings may say of it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from aggregator.configuration.service_secrets import ServiceEntry


class RegistryEntry(ServiceEntry):
    """What is known of sites beside their file. Times are in seconds.

    Attributes:
        kind: ``static`` is the file of sites alone; ``site-capabilities`` is the
            SRCNet service, whose knowledge is laid over it.
        interval: The pause between two readings.
        timeout: The longest that one may take.
    """

    kind: Literal["static", "site-capabilities"] = "static"
    interval: Annotated[float, Field(ge=1)] = 300.0
    timeout: Annotated[float, Field(gt=0, le=120)] = 20.0

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "RegistryEntry":
        if self.kind != "static":
            if self.url is None:
                raise ValueError(f"kind {self.kind} needs the url of that service")
            return self
        for key in ("url", *self.names_of_token):
            if getattr(self, key) is not None:
                raise ValueError(f"{key} is for kind site-capabilities, not static")
        return self
