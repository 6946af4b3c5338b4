"""``python -m grafana.generator`` writes all dashboards anew."""

from pathlib import Path

from grafana.generator.catalogue import DASHBOARDS, document

_FOLDER = Path(__file__).parents[1] / "dashboards"


def main() -> None:
    """Write ``grafana/dashboards/*.json``."""
    _FOLDER.mkdir(exist_ok=True)
    for name in DASHBOARDS:
        (_FOLDER / f"{name}.json").write_text(document(name), "utf-8")


if __name__ == "__main__":
    main()
