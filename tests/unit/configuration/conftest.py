from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from aggregator.configuration.loading import Configuration, load
from aggregator.configuration.problems import ConfigurationError
from aggregator.domain.ranking.builtin import BUILT_IN

POLICY = """\
apiVersion: metabroker.srcnet/v1
kind: RankingPolicy
metadata: {name: default}
weighers: [{name: time_to_start}]
"""

SITES = """\
sites:
  - name: north
    rses: [NORTH_DISK]
    broker: {url: "https://north.example"}
  - name: south
    rses: [SOUTH_DISK, SOUTH_TAPE]
    broker: {url: "https://south.example"}
"""


@dataclass
class Bench:
    """A directory with a small valid configuration, of which a test spoils a part."""

    root: Path

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))
        return path

    def load(self, environ: Mapping[str, str] | None = None) -> Configuration:
        return load(
            self.root / "metabroker.yaml",
            environ or {},
            adapters={"execution-broker", "simulated"},
            dialects={"2025-11", "2026-07"},
            components=BUILT_IN,
        )

    def problems(self, environ: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            self.load(environ)
        assert str(caught.value) == "\n".join(map(str, caught.value.problems))
        return [self._relative(problem) for problem in caught.value.problems]

    def warnings(self, environ: Mapping[str, str] | None = None) -> list[str]:
        return [self._relative(warning) for warning in self.load(environ).warnings]

    def _relative(self, problem: object) -> str:
        return str(problem).replace(f"{self.root}/", "")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.write("metabroker.yaml", "links: links.yaml\nreplicas: replicas.yaml\n")
    bench.write("sites.yaml", SITES)
    bench.write("links.yaml", "default_gbps: 1\n")
    bench.write("replicas.yaml", "datasets: []\n")
    bench.write("ranking/default.yaml", POLICY)
    return bench
