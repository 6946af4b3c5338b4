import subprocess
import sys

from aggregator.observability.metrics import Metrics
from aggregator.observability.reference import all_sections, reference
from tests.support.ranking import ROOT

PAGE = ROOT / "docs" / "metrics.md"


def test_page_is_what_the_metrics_say_now():
    assert PAGE.read_text("utf-8") == reference(all_sections())


def test_page_names_every_family_of_a_scrape():
    page = PAGE.read_text("utf-8")
    families = [
        line.split()[2]
        for line in Metrics("1", lambda: None).render("")[0].decode().splitlines()
        if line.startswith("# TYPE")
    ]
    assert len(families) > 30
    assert [name for name in families if f"`{name}`" not in page] == []


def test_every_label_is_explained_in_its_table():
    table = PAGE.read_text("utf-8").partition("## Labels")[2]
    for section in all_sections():
        for description in section.descriptions:
            for label in description.labels:
                assert f"\n| `{label}` | " in table


def test_module_writes_the_page():
    written = subprocess.run(
        [sys.executable, "-m", "aggregator.observability.reference"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert written.stdout.decode() == PAGE.read_text("utf-8")
