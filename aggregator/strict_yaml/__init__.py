"""YAML read with JSON's scalar rules, and written so that it reads back the same.

Plain YAML 1.1 turns ``digest: 0000`` into 0, ``no`` into false and ``12:30:45``
into 45045. Here a plain scalar is a number, ``true``, ``false`` or ``null`` (also
``~`` or nothing) only where JSON would say so, and a string otherwise; ``.nan``,
``.inf`` and timestamps are strings too. Aliases, anchors, tags, merge keys,
duplicate keys, keys that aren't strings, integers beyond 64 bits and second
documents are refused, each with its place.

Values are built from the parser's events in one pass, so a cap stops a document
before it is built and no depth of it can exhaust the stack.
"""

from aggregator.strict_yaml.faults import (
    YamlFault,
    decode_text,
    place_of,
    pointer_step,
    shortened,
)
from aggregator.strict_yaml.reading import Located, load, load_located
from aggregator.strict_yaml.rules import (
    INT64_MIN,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NODES,
    UINT64_MAX,
)
from aggregator.strict_yaml.writing import dump

__all__ = [
    "INT64_MIN",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "UINT64_MAX",
    "Located",
    "YamlFault",
    "decode_text",
    "dump",
    "load",
    "load_located",
    "place_of",
    "pointer_step",
    "shortened",
]
