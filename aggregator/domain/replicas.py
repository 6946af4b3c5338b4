"""Where the data are: dataset identifiers and their replicas at storage elements."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Did:
    """A data identifier of the data lake: Rucio scope and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}:{self.name}"


@dataclass(frozen=True, slots=True)
class Replica:
    """One copy of a dataset at one Rucio storage element (RSE)."""

    rse: str
    url: str = ""
    tape: bool = False


@dataclass(frozen=True, slots=True)
class LocatedData:
    """What a replica catalogue knows of one dataset.

    Attributes:
        size: In bytes, None where the catalogue doesn't say.
        files: The number of files that have to move.
        caveat: Why this may be wrong, in words; empty where nothing speaks against
            it.
    """

    did: Did
    replicas: tuple[Replica, ...]
    size: int | None = None
    files: int = 1
    caveat: str = ""
