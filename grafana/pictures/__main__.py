"""``python -m grafana.pictures`` draws a dashboard as an SVG file."""

import argparse
import json
import time
from pathlib import Path

from grafana.pictures import Asker, draw

_DASHBOARDS = Path(__file__).parents[1] / "dashboards"


def main() -> None:
    """Draw the last minutes of a Prometheus."""
    parser = argparse.ArgumentParser(
        prog="python -m grafana.pictures", description=main.__doc__
    )
    parser.add_argument("dashboard", help="the name of its file, without .json")
    parser.add_argument("picture", type=Path, help="the file to write")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--rate-interval", default="1m")
    parser.add_argument("--site", default="", help="the value of the variable site")
    chosen = parser.parse_args()
    now = time.time()
    asker = Asker(
        chosen.prometheus,
        now - 60 * chosen.minutes,
        now,
        {"$__rate_interval": chosen.rate_interval, "$site": chosen.site},
    )
    dashboard = json.loads(
        (_DASHBOARDS / f"{chosen.dashboard}.json").read_text("utf-8")
    )
    chosen.picture.write_text(draw(dashboard, asker), "utf-8")


if __name__ == "__main__":
    main()
