"""All that is logged, at every level, for tests of what must not be in it."""

import io
import logging

import structlog

from aggregator.observability.logs import configure_logging


def recorded_logs():
    """Yield what is logged meanwhile, by us and by libraries."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    configure_logging("debug", "json", stream)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
    structlog.reset_defaults()
