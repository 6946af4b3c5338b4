"""``python -m aggregator.cli`` is ``metabroker``."""

from aggregator.cli.application import app

if __name__ == "__main__":
    app(prog_name="metabroker")
