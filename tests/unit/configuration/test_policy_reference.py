"""The reference page says what the definitions say, those of third parties too."""

import subprocess
import sys
from dataclasses import dataclass, fields
from typing import ClassVar

from aggregator.configuration.policy_reference import policy_reference
from aggregator.domain.ranking import document
from aggregator.domain.ranking.builtin import BUILT_IN
from aggregator.domain.ranking.components import Filter, Weigher
from tests.support.ranking import ROOT

PAGE = ROOT / "docs" / "policies-reference.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class Moon(Weigher):
    """The phase of the moon, in ``nights``.

    For those who observe | by eye.

    Attributes:
        rate_s_per_night: Seconds of delay for each night
            until it is new.
    """

    name: ClassVar[str] = "moon"
    rate_s_per_night: float

    @property
    def seconds_per_unit(self):
        return self.rate_s_per_night

    def quantity(self, candidate, situation, /):
        return 1.0


def test_page_is_what_the_definitions_say_now():
    assert PAGE.read_text("utf-8") == policy_reference(BUILT_IN)


def test_module_writes_the_page():
    written = subprocess.run(
        [sys.executable, "-m", "aggregator.configuration.policy_reference"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert written.stdout.decode() == PAGE.read_text("utf-8")


def test_every_key_is_explained():
    page = PAGE.read_text("utf-8")
    schemas = [
        *(getattr(document, name) for name in ("PolicyDocument", "Match", "Trim")),
        *BUILT_IN.filters.values(),
        *BUILT_IN.weighers.values(),
        Filter,
        Weigher,
    ]
    for schema in schemas:
        for field in fields(schema):
            [row, *_] = [
                line
                for line in page.splitlines()
                if line.startswith(f"| `{field.name}` |")
            ]
            assert not row.endswith("|  |"), row
    assert "anything" not in page


def test_components_of_others_have_a_page_too():
    page = policy_reference(BUILT_IN.extended([], [Moon]))
    section = page.partition("### `moon`\n\n")[2]
    assert section == (
        "The phase of the moon, in `nights`.\n\nFor those who observe | by eye.\n\n"
        "| key | what it takes | default | what it says |\n|---|---|---|---|\n"
        "| `rate_s_per_night` | number | must be given | Seconds of delay for each night"
        " until it is new. |\n"
    )
