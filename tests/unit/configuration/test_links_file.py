import pytest

from aggregator.domain.ranking.knowledge import Links

USUAL = {"lan": 20.0, "national": 8.0, "international": 2.0}
RSES = {"NORTH_DISK": ("north",), "SOUTH_DISK": ("south",), "SOUTH_TAPE": ("south",)}


def test_without_a_file_every_link_has_the_default(bench):
    bench.write("metabroker.yaml", "state: a")
    links = bench.load().links
    assert links == Links(default_gbps=1.0, classes=USUAL, rse_sites=RSES)
    assert links.gbps("north", "south") == 1.0


def test_a_link_holds_both_ways_unless_it_says_otherwise(bench):
    bench.write(
        "links.yaml",
        """\
        default_gbps: 0.5
        classes: {international: 3, lunar: 0.1}
        table:
          - {from: north, to: south, gbps: 4, symmetric: false}
          - {from: south, to: north, class: lunar, symmetric: false}
        """,
    )
    links = bench.load().links
    assert links.gbps("north", "south") == 4.0
    assert links.gbps("south", "north") == 0.1
    assert links.gbps("north", "north") == 0.5
    assert links.classes == {**USUAL, "international": 3.0, "lunar": 0.1}

    bench.write("links.yaml", "table: [{from: north, to: south, class: lan}]")
    links = bench.load().links
    assert links.gbps("north", "south") == links.gbps("south", "north") == 20.0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("default_gbp: 1", "1:1: unknown key 'default_gbp'; did you mean 'default_gbps'?"),
        ("default_gbps: 1 GB/s", "1:15: default_gbps should be a number, not '1 GB/s': write 8 (Gb/s)"),
        ("classes: {lan: 0}", "1:16: lan should be greater than 0, not 0"),
        ("table: {}", "1:8: table should be a list, not a mapping"),
        ("table: [{from: nort, to: south, gbps: 1}]", "1:16: from 'nort' is not known; did you mean 'north'?"),
        ("table: [{from: north, to: east, gbps: 1}]", "1:27: to 'east' is not known; known are north, south"),
        ("table: [{from: north, to: south, class: wan}]", "1:41: class 'wan' is not known; known are international, lan, national"),
        ("table: [{from: north, to: south}]", "1:9: a link needs either gbps or class"),
        ("table: [{from: north, to: south, gbps: 1, class: lan}]", "1:9: a link needs either gbps or class"),
        ("table: [{from: north, to: north, gbps: 1}]", "1:27: to should be another site than from"),
        ("table: [{form: north, to: south, gbps: 1}]", "1:9: 'from' is missing"),
        (
            "table:\n- {from: north, to: south, gbps: 1}\n- {from: south, to: north, gbps: 2}",
            "3:3: the link from south to north is given in line 2 already",
        ),
    ],
)  # fmt: skip
def test_a_wrong_link_is_told_with_place_and_reason(bench, text, problem):
    bench.write("links.yaml", text)
    assert f"links.yaml:{problem}" in bench.problems()


def test_a_missing_file_is_told_where_it_is_named(bench):
    (bench.root / "links.yaml").unlink()
    assert bench.problems() == [
        "metabroker.yaml:1:8: links.yaml can't be read: no such file or directory"
    ]


def test_wrong_classes_do_not_blame_the_links_that_name_them(bench):
    bench.write(
        "links.yaml",
        "classes: {lunar: fast}\ntable: [{from: north, to: south, class: lunar}]\n",
    )
    assert bench.problems() == ["links.yaml:1:18: lunar should be a number, not 'fast'"]
