"""All dashboards by the names of their files."""

from collections.abc import Callable, Mapping
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.generator.overview import overview
from grafana.generator.ranking import ranking
from grafana.generator.reservations import reservations
from grafana.generator.service_level import service_level
from grafana.generator.site import site

DASHBOARDS: Final[Mapping[str, Callable[[], Dashboard]]] = {
    "overview": overview,
    "site": site,
    "ranking": ranking,
    "reservations": reservations,
    "service-level": service_level,
}


def document(name: str) -> str:
    """Return the JSON of a dashboard, as its file holds it.

    Raises:
        KeyError: There is none of that name.
    """
    dashboard = DASHBOARDS[name]().build()
    for number, panel in enumerate(dashboard.panels or (), start=1):
        panel.id_val = number
    return str(JSONEncoder(sort_keys=True, indent=2).encode(dashboard)) + "\n"
