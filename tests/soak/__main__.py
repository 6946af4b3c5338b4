"""``make soak``: thousands of sessions under random faults, with a verdict in figures."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.soak.soaking import Extent, soak


def main():
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--sets", type=int, default=3000)
    parser.add_argument("--workers", type=int, default=12)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    extent = Extent(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        figures = asyncio.run(soak(Path(directory), extent))
    sys.stdout.write("\n".join([*figures.lines(), ""]))
    sys.exit(bool(figures.violations))


if __name__ == "__main__":
    main()
