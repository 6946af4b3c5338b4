"""What all dashboards have in common: variables, links, annotations."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Panel,
    VariableRefresh,
    VariableSort,
)

DATA_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
"""The Prometheus that the reader chose at the top of the dashboard."""

FIRING: Final = 'ALERTS{alertname=~"MetaBroker.+", alertstate="firing"}'
"""Our alerts that fire, by name."""

SITE_DETAIL: Final = "metabroker-site"
"""The uid of the dashboard of one site."""

_TAG: Final = "metabroker"


def framed(uid: str, title: str, description: str) -> Dashboard:
    """Return a dashboard without panels."""
    return (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([_TAG])
        .readonly()
        .time("now-6h", "now")
        .refresh("30s")
        .timezone("utc")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(
            DatasourceVariable("datasource").label("Prometheus").type("prometheus")
        )
        .link(
            DashboardLink("Meta-broker")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([_TAG])
            .keep_time(True)
            .include_vars(True)
        )
        .annotation(
            AnnotationQuery()
            .name("Alerts")
            .datasource(DATA_SOURCE)
            .enable(True)
            .icon_color("red")
            .expr(f"sum by (alertname, site) ({FIRING})")
        )
        .annotation(
            AnnotationQuery()
            .name("Configuration read")
            .datasource(DATA_SOURCE)
            .enable(True)
            .icon_color("blue")
            .expr(
                "changes(metabroker_configuration_reload_timestamp_seconds"
                "[$__rate_interval]) > 0"
            )
        )
    )


def with_panels(board: Dashboard, *panels: Builder[Panel]) -> None:
    """Put ``panels`` on a dashboard, in the order of reading."""
    for panel in panels:
        board.with_panel(panel)


def site_variable() -> QueryVariable:
    """Return the variable ``site``: any of the configured sites."""
    return (
        QueryVariable("site")
        .label("Site")
        .datasource(DATA_SOURCE)
        .query("label_values(metabroker_site_up, site)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def link_to_site(site: str) -> DashboardLink:
    """Return a link to the detail of a site.

    Args:
        site: What Grafana replaces by the site's name.
    """
    return (
        DashboardLink("Details of the site")
        .type(DashboardLinkType.LINK)
        .url(
            f"/d/{SITE_DETAIL}?var-site={site}&var-datasource=${{datasource}}"
            "&${__url_time_range}"
        )
    )
