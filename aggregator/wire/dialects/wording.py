"""What tells one dialect from another, as tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The names and places that one dialect uses.

    Attributes:
        name: The dialect's name.
        submit_path: Where a request for offers is posted.
        direct_path: Where a request for one session at once is posted, if anywhere.
        discriminator: The key that says what a component is.
        kinds: The dialect's URI of each kind, by the kind's name in all dialects.
        meta_on_top: Whether uuid, name and their like stand in the component
            itself, and not in its ``meta``.
        compute_key: The key of the compute resource.
        resources_block: Whether compute (as a list), storage, volumes and data
            stand inside ``resources``.
        volumes_beside: Whether volumes stand beside the compute resource, which
            names them, and list their resources; else they stand inside it and
            have one resource each.
        storage_link: The key by which a storage resource names its data.
        session_phases: The dialect's word for a canonical phase, where it has
            another.
        cardinalities: The same for the cardinality of a volume.
        offered_schedule: Whether an offered schedule stands inside ``offered``.
        plain_starts: Whether the start of availability is an instant, not an
            interval.
        requested_start: Whether a request says one interval in which it may start, a
            list of them, or ``either``: once a list, of late one, as it is written.
        update_wrapped: Whether an update stands inside ``update``.
        phase_path: The path of an update of the phase.
        variants: Other forms under the same name.
    """

    name: str
    submit_path: str
    direct_path: str | None
    discriminator: Literal["type", "kind"]
    kinds: Mapping[str, str]
    meta_on_top: bool = False
    compute_key: str = "compute"
    resources_block: bool = False
    volumes_beside: bool = False
    storage_link: str = "data"
    session_phases: Mapping[str, str] = field(default_factory=dict)
    cardinalities: Mapping[str, str] = field(default_factory=dict)
    offered_schedule: bool = False
    plain_starts: bool = False
    requested_start: Literal["interval", "list", "either"] = "interval"
    update_wrapped: bool = False
    phase_path: str = "phase"
    variants: "tuple[Wording, ...]" = ()
