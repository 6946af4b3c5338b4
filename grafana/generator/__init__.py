"""The generator of the dashboards: what each shows is said here, once, in Python."""

from grafana.generator.catalogue import DASHBOARDS, document

__all__ = ["DASHBOARDS", "document"]
