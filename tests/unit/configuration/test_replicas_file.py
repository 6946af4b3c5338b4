import pytest

from aggregator.domain.replicas import Did, LocatedData, Replica


def test_datasets_are_read_by_either_form_of_their_identifier(bench):
    bench.write(
        "replicas.yaml",
        """\
        datasets:
          - did: testing:cube:1
            size_bytes: 27487790694400
            files: 12
            replicas:
              - {rse: north_disk, url: "https://north.example/cube"}
              - {rse: SOUTH_TAPE, tape: true}
          - namespace: testing
            name: table
        """,
    )
    cube, table = Did("testing", "cube:1"), Did("testing", "table")
    assert bench.load().located == {
        cube: LocatedData(
            cube,
            (
                Replica("north_disk", "https://north.example/cube"),
                Replica("SOUTH_TAPE", tape=True),
            ),
            size=27_487_790_694_400,
            files=12,
        ),
        table: LocatedData(table, ()),
    }
    assert bench.warnings() == []


def test_without_a_file_nothing_is_located(bench):
    bench.write("metabroker.yaml", "state: a")
    assert bench.load().located == {}


def test_a_storage_element_of_no_site_is_warned_of(bench):
    bench.write(
        "replicas.yaml",
        "datasets:\n- did: a:b\n  replicas: [{rse: SOUTH_DISK}, {rse: EAST_DISK}]\n",
    )
    assert bench.warnings() == [
        "replicas.yaml:3:39: EAST_DISK is a storage element of no site"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dataset: []", "1:1: unknown key 'dataset'; did you mean 'datasets'?"),
        ("datasets: [{did: testing}]", "1:18: did should be scope:name"),
        ("datasets: [{did: ':a'}]", "1:18: did should be scope:name"),
        ("datasets: [{}]", "1:12: a dataset needs either did, or namespace and name"),
        ("datasets: [{namespace: a}]", "1:12: a dataset needs either did, or namespace and name"),
        ("datasets: [{did: 'a:b', name: b}]", "1:12: a dataset needs either did, or namespace and name"),
        ("datasets: [{did: 'a:b', size: 1}]", "1:25: unknown key 'size'"),
        ("datasets: [{did: 'a:b', size_bytes: -1}]", "1:37: size_bytes should be greater than or equal to 0, not -1"),
        ("datasets: [{did: 'a:b', size_bytes: 25 TiB}]", "1:37: size_bytes should be a whole number, not '25 TiB': write 27487790694400 (bytes)"),
        ("datasets: [{did: 'a:b', files: 0}]", "1:32: files should be greater than or equal to 1, not 0"),
        ("datasets: [{did: 'a:b', replicas: [A]}]", "1:36: replicas[0] should be a mapping, not 'A'"),
        ("datasets: [{did: 'a:b', replicas: [{}]}]", "1:36: 'rse' is missing"),
        (
            "datasets:\n- {did: 'a:b', replicas: [{rse: south_disk},\n  {rse: SOUTH_DISK}]}",
            "3:9: storage element SOUTH_DISK is given in line 2 already",
        ),
        ("datasets:\n- {did: 'a:b'}\n- {namespace: a, name: b}", "3:3: dataset a:b is given in line 2 already"),
    ],
)  # fmt: skip
def test_a_wrong_dataset_is_told_with_place_and_reason(bench, text, problem):
    bench.write("replicas.yaml", text)
    assert f"replicas.yaml:{problem}" in bench.problems()
