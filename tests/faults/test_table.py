"""Every fault of the table has a test, or says where it has one."""

import ast
import re
from pathlib import Path

import pytest

from tests.faults.table import TABLE
from tests.support.ranking import ROOT

_NAME = re.compile(r"test_row_(\d\d)_\w+")


def rows_with_tests():
    rows = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if named and (found := _NAME.fullmatch(node.name)):
                rows.add(int(found[1]))
    return rows


def test_the_table_is_whole():
    assert list(TABLE) == list(range(1, 39))


@pytest.mark.parametrize("number", TABLE)
def test_each_row_is_tested_or_says_where(number):
    row = TABLE[number]
    if row.held_by:
        assert number not in rows_with_tests()
        assert "def test_" in (ROOT / row.held_by).read_text()
    else:
        assert number in rows_with_tests()


def test_no_test_has_a_row_that_is_not_in_the_table():
    assert rows_with_tests() <= TABLE.keys()
