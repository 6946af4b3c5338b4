"""Pictures of dashboards: what their panels show, drawn without a Grafana.

They are for readers of the documentation. Each panel asks a Prometheus its own queries,
so that a picture shows what the dashboard does; looks are only alike.
"""

from grafana.pictures.asking import Asker
from grafana.pictures.dashboard import draw

__all__ = ["Asker", "draw"]
