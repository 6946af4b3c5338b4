"""The six vocabularies that Execution Brokers have used on the wire.

Each table states what one generation of the reference broker reads and writes. It
is kept apart from the federation's own codecs on purpose: a simulated site is what
these are tested against.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from aggregator.domain.phases import SessionPhase

_EB: Final = "https://www.purl.org/ivoa.net/EB/schema"
_CALYCOPIS: Final = "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds"


class Role(StrEnum):
    """What a polymorphic element of a document stands for."""

    EXECUTABLE = "executable"
    COMPUTE = "compute"
    STORAGE = "storage"
    VOLUME = "volume"
    DATA = "data"
    OFFERSET = "offerset"
    SESSION = "session"


KINDS: Final[Mapping[Role, tuple[str, ...]]] = {
    Role.EXECUTABLE: ("docker-container", "jupyter-notebook", "singularity-container"),
    Role.COMPUTE: ("simple-compute-resource",),
    Role.STORAGE: ("simple-storage-resource",),
    Role.VOLUME: ("simple-volume-mount",),
    Role.DATA: (
        "simple-data-resource",
        "S3-data-resource",
        "rucio-data-resource",
        "ivoa-data-resource",
        "skao-data-resource",
    ),
    Role.OFFERSET: ("offerset",),
    Role.SESSION: ("session",),
}
"""The kinds of each role, by the names that the newest vocabulary has for them."""

FOLDERS: Final[Mapping[Role, str]] = {
    Role.OFFERSET: "offersets",
    Role.SESSION: "sessions",
    Role.EXECUTABLE: "executables",
    Role.COMPUTE: "compute",
    Role.STORAGE: "storage",
    Role.DATA: "data",
    Role.VOLUME: "volumes",
}
"""The first part of the path of a component's own URL."""

COST: Final = f"{_CALYCOPIS}/costs/simple-minmax-float-cost.yaml"
METRIC: Final = f"{_CALYCOPIS}/metrics/simple-minmax-float-metric.yaml"

_OLD_PHASES: Final[Mapping[SessionPhase, str]] = {
    SessionPhase.INITIAL: "PROPOSED",
    SessionPhase.AVAILABLE: "READY",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """One dialect.

    Attributes:
        uris: The URI of each kind, by role and kind.
        discriminator: The key that holds an element's URI.
        has_meta: Whether uuid, name, URL, instants and messages are under ``meta``.
        request_path: Where offers are asked for.
        direct_path: Where a session is asked for at once; None where nowhere.
        wraps_updates: Whether an update is the member ``update`` of its body.
        nests_resources: Whether resources are under ``resources``, compute a list.
        inline_volumes: Whether volumes are objects within compute with one
            ``resource`` each, not a list of their own that compute names.
        storage_link: The key under which a storage lists the data that it holds.
        names_requests: Whether a request has a name of its own.
        unnamed: What a request without a name is called.
        lists_starts: Whether a requested start is a list of intervals.
        offered_schedules: Whether schedules are under ``offered``, with instants.
        session_schedules: Whether a session's own schedule is known.
        component_phases: Whether components show a phase and schedules of theirs.
        has_quotes: Whether costs and metrics are known.
        once: The word for a volume that one container gets for itself.
        phases: The words for session phases that were called otherwise.
    """

    uris: Mapping[tuple[Role, str], str]
    discriminator: str = "type"
    has_meta: bool = False
    request_path: str = "/offersets"
    direct_path: str | None = None
    wraps_updates: bool = True
    nests_resources: bool = False
    compute_key: str = "compute"
    inline_volumes: bool = False
    storage_link: str = "data"
    names_requests: bool = True
    unnamed: str | None = "no-name"
    lists_starts: bool = False
    offered_schedules: bool = False
    session_schedules: bool = True
    component_phases: bool = True
    has_quotes: bool = False
    once: str = "INSTANCE"
    phases: Mapping[SessionPhase, str] = field(default_factory=dict)

    def uri(self, role: Role, kind: str | None = None) -> str:
        """Return the URI of ``kind``, or of the only kind of ``role``."""
        return self.uris[role, kind if kind is not None else KINDS[role][0]]

    def kind(self, role: Role, uri: object) -> str | None:
        """Return the kind that ``uri`` names for ``role``, None for no such kind."""
        return next(
            (kind for kind in KINDS[role] if self.uris[role, kind] == uri), None
        )

    def phase(self, phase: SessionPhase) -> str:
        """Return the word for a session's phase."""
        return self.phases.get(phase, phase.value)

    def read_phase(self, word: object) -> SessionPhase | None:
        """Return the phase that ``word`` names here, None where it names none."""
        return next((each for each in SessionPhase if self.phase(each) == word), None)

    def identity(self, component: dict[str, Any]) -> dict[str, Any]:
        """Return the part of a written component that holds its uuid and URL."""
        if not self.has_meta:
            return component
        meta: dict[str, Any] = component.setdefault("meta", {})
        return meta

    @property
    def url_key(self) -> str:
        """The key, beside the uuid, that holds a component's own URL."""
        return "url" if self.has_meta else "href"


def _uris(
    prefix: str,
    suffix: str,
    words: Mapping[str, str],
    folders: Mapping[Role, str] | None = None,
) -> dict[tuple[Role, str], str]:
    return {
        (role, kind): "/".join(
            (
                prefix,
                (folders or {}).get(role, role.value),
                words.get(kind, kind) + suffix,
            )
        )
        for role, kinds in KINDS.items()
        for kind in kinds
    }


_RESPONSES: Final = {
    "offerset": "offerset-response",
    "session": "execution-session-response",
}
_EXECUTIONS: Final = {
    "offerset": "execution-offerset",
    "session": "scheduled-execution-session",
}
_URIS_2025_05: Final = _uris(
    f"{_EB}/types",
    "-1.0",
    {**_RESPONSES, "S3-data-resource": "amazon-s3-data-resource"},
    {
        Role.EXECUTABLE: "executables",
        Role.COMPUTE: "resources/compute",
        Role.STORAGE: "resources/storage",
        Role.VOLUME: "resources/volumes",
        Role.DATA: "resources/data",
        Role.OFFERSET: "offersets",
        Role.SESSION: "sessions",
    },
)
_URIS_2025_06: Final = _uris(
    f"{_EB}/types", "-1.0", _RESPONSES, {Role.COMPUTE: "computer"}
)
_URIS_2025_11: Final = _uris(f"{_EB}/types", "-1.0", _RESPONSES)
_URIS_2026_02: Final = _uris(f"{_EB}/v1.0/types", "-1.0", _EXECUTIONS)
_URIS_2026_07: Final = _uris(_CALYCOPIS, ".yaml", _EXECUTIONS)

FLATTENED: Final = Vocabulary(
    uris=_URIS_2025_05,
    compute_key="computer",
    lists_starts=True,
    offered_schedules=True,
    component_phases=False,
    phases=_OLD_PHASES,
)
"""The last days of ``2025-05``: its URIs, but resources at the top level."""

VOCABULARIES: Final[Mapping[str, Vocabulary]] = {
    "2025-05": Vocabulary(
        uris=_URIS_2025_05,
        nests_resources=True,
        storage_link="resources",
        lists_starts=True,
        offered_schedules=True,
        component_phases=False,
        phases=_OLD_PHASES,
    ),
    "2025-06": Vocabulary(
        uris=_URIS_2025_06,
        compute_key="computer",
        offered_schedules=True,
        component_phases=False,
        phases=_OLD_PHASES,
    ),
    "2025-11": Vocabulary(uris=_URIS_2025_11),
    "2026-02": Vocabulary(
        uris=_URIS_2026_02,
        discriminator="kind",
        has_meta=True,
        wraps_updates=False,
        names_requests=False,
        once="SINGLE",
    ),
    "2026-04": Vocabulary(
        uris=_URIS_2026_02,
        discriminator="kind",
        has_meta=True,
        direct_path="/sessions",
        wraps_updates=False,
        inline_volumes=True,
        names_requests=False,
        unnamed=None,
        session_schedules=False,
    ),
    "2026-07": Vocabulary(
        uris=_URIS_2026_07,
        discriminator="kind",
        has_meta=True,
        request_path="/requests",
        direct_path="/direct",
        wraps_updates=False,
        inline_volumes=True,
        names_requests=False,
        unnamed=None,
        session_schedules=False,
        has_quotes=True,
    ),
}
"""Each dialect's vocabulary, by its name."""


def vocabulary_of(dialect: str, *, flattened: bool = False) -> Vocabulary:
    """Return the vocabulary of ``dialect``, of its flattened variant if asked for."""
    return FLATTENED if flattened and dialect == "2025-05" else VOCABULARIES[dialect]
