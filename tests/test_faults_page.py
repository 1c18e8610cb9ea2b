"""The page of faults says what the tests say, and each of its rows is a test that exists."""

from __future__ import annotations

from tests import faults


def test_the_page_is_what_the_tests_say_of_themselves() -> None:
    assert faults.PAGE.read_text(encoding="utf-8") == faults.page(), "run `python -m tests.faults`"


def test_no_row_leaves_a_cell_empty_and_no_fault_stands_twice() -> None:
    found = faults.rows()
    assert found
    assert all(getattr(row, part).strip() for row in found for part in ("what", *faults.PARTS))
    assert len({row.what for row in found}) == len(found)
