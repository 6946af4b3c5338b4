"""The rules that reading and writing share: caps, numbers and words."""

import re
from collections.abc import Mapping

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 100_000

INT64_MIN = -(2**63)
UINT64_MAX = 2**64 - 1
LONGEST_INTEGER = len(str(INT64_MIN))

INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
NUMBER = re.compile(INTEGER.pattern + r"(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
WORDS: Mapping[str, bool | None] = {
    "true": True,
    "false": False,
    "null": None,
    "~": None,
    "": None,
}
