"""What is wrong with rows as a set is counted, and told by the numbers the rows have in the file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts import checks
from planner.facts.checks import check
from planner.facts.mapping import Mapping
from tests.faults import fault


def written(path: Path, rows: Sequence[Any]) -> Path:
    file = path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def asked(question: str, answer: str, **more: Any) -> dict[str, Any]:
    return {"prompt": question, "completion": answer, **more}


def test_the_same_row_twice_is_told_with_both_numbers(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [asked("a", "1", id=1), asked("b", "2"), asked("a", "1", id=2), asked("a", "1")]
    file.write_text("\n".join(json.dumps(row) for row in rows[:2]) + "\n\n" + "\n".join(map(json.dumps, rows[2:])))
    found = check(file)
    assert (found.rows, found.n_duplicates) == (4, 2), "what is not trained on makes no difference"
    assert found.duplicates == ((4, 1), (5, 1)), "lines are numbered as the file has them, blank ones too"


@fault(
    "held-out rows that are trained on as well",
    injected="the same rows on both sides of the split",
    seen="how many, and the numbers of both rows of each pair",
    lost="the evaluation would be too good; nothing is changed",
)
def test_held_out_rows_that_are_trained_on_are_told_wherever_they_stand(tmp_path: Path) -> None:
    rows = [asked("a", "1"), asked("b", "2"), asked("a", "1"), asked("b", "2"), asked("c", "3"), asked("c", "3")]
    found = check(written(tmp_path, rows), None, frozenset({0, 3, 4, 5}))
    assert found.leaked == ((1, 3), (4, 2)), "two that are both held out are doubles, no leak"
    assert (found.n_leaked, found.n_duplicates) == (2, 3)
    assert check(written(tmp_path, rows)).n_leaked == 0


def test_questions_with_several_answers_and_answers_of_blanks_are_counted(tmp_path: Path) -> None:
    rows = [asked("a", "1"), asked("a", "2"), asked("a", "3"), asked("b", "1"), asked("b", "1"), asked("c", " ")]
    found = check(written(tmp_path, rows))
    assert (found.n_contradicting, found.n_empty_answers) == (1, 1)
    chat = [
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": answer}]}
        for answer in ("1", "", "1")
    ]
    found = check(written(tmp_path, chat))
    assert (found.n_contradicting, found.n_empty_answers, found.n_duplicates) == (1, 1, 1)


def test_rows_are_compared_as_they_are_mapped(tmp_path: Path) -> None:
    file = written(tmp_path, [{"q": "a", "x": "1", "y": "2"}, {"q": "a", "x": "1", "y": "3"}])
    assert check(file, Mapping("prompt_completion", (("prompt", "q"), ("completion", "x")))).n_duplicates == 1
    assert check(file, Mapping("prompt_completion", (("prompt", "q"), ("completion", "y")))).n_duplicates == 0


@settings(max_examples=60, deadline=None)
@given(
    drawn=st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("12"), st.booleans()), min_size=1, max_size=40)
)
def test_a_check_agrees_with_comparing_each_row_with_each(
    tmp_path_factory: Any, drawn: list[tuple[str, str, bool]]
) -> None:
    rows = [(question, answer) for question, answer, _ in drawn]
    held = frozenset(i for i, (_, _, out) in enumerate(drawn) if out)
    found = check(written(tmp_path_factory.mktemp("checks"), [asked(*row) for row in rows]), None, held)
    doubles = tuple((i + 1, rows.index(row) + 1) for i, row in enumerate(rows) if row in rows[:i])
    trained = [row for i, row in enumerate(rows) if i not in held]
    assert found.duplicates == doubles
    assert {row - 1 for row, _ in found.leaked} == {i for i in held if rows[i] in trained}
    assert all(rows[a - 1] == rows[b - 1] and b - 1 not in held for a, b in found.leaked)
    assert found.n_contradicting == sum(len({a for q, a in rows if q == question}) > 1 for question in "abcdefg")


def test_the_first_thousand_pairs_are_told_and_all_are_counted(tmp_path: Path) -> None:
    found = check(written(tmp_path, [asked("a", "1")] * 6000))
    assert (found.n_duplicates, len(found.duplicates)) == (5999, checks.TOLD)
    assert found.duplicates[-1] == (1001, 1)


def test_thirty_two_bytes_a_row_are_kept() -> None:
    """The bound that `check` states, by what its arrays hold: eight bytes a number, four numbers a row."""
    import sys

    pairs = checks._Pairs()
    for i in range(50_000):
        pairs.add(i * 2**40 + i, i)
    held = sum(sys.getsizeof(column) for bucket in pairs._buckets for column in bucket)
    assert held < 50_000 * 16 * 1.35, "arrays grow by an eighth ahead of need"
