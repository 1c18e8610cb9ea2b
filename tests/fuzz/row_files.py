"""What every reader of rows must keep, whatever the bytes: facts or a problem, the same told by each way of reading, and no
more memory than a small file can ask for."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st

from planner.facts.checks import check
from planner.facts.mapped import mapped
from planner.facts.mapping import Mapping
from planner.facts.preview import Preview, look_at
from planner.facts.read_data import read_data, rows
from planner.facts.rows import COLUMNS
from planner.problem import Problem, ProblemError

T = TypeVar("T")
MOST_MORE_BYTES = 400 * 1024**2
ROWS = [
    {"messages": [{"role": "user", "content": f"What is {i} and {i}?"}, {"role": "assistant", "content": f"{2 * i}."}]}
    for i in range(12)
]
TABLE = [{"question": f"What is {i} and ä{i}?", "answer": f"“{2 * i}”, more", "n": i} for i in range(30)]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["[", "<|im_start|>"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["role", "content", "from", "value"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6), st.booleans()), min_size=1, max_size=6)


def spoilt(raw: bytes, changes: list[tuple[float, bytes, bool]], kept: float = 1.0) -> bytes:
    """Bytes put in, or in others' place; kept: the share of the file that is left."""
    found = bytearray(raw)
    for where, put, instead in changes:
        at = int(where * len(found))
        found[at : at + (len(put) if instead else 0)] = put
    return bytes(found[: int(len(found) * kept) + 1])


def peak_bytes() -> int:
    """The most that this process has ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def survives(path: Path, mapping: Mapping | None = None) -> None:
    """Read it every way that the program reads it."""
    before = peak_bytes()
    _read(path, mapping)
    assert peak_bytes() - before < MOST_MORE_BYTES


def outcome(call: Callable[[], T]) -> T | Problem:
    """What it gives, or the problem it raises, which says what is and what to do, and not endlessly."""
    try:
        return call()
    except ProblemError as error:
        problem = error.problem
    assert problem.fact
    assert problem.advice
    assert len(problem.fact) < 20_000
    return problem


def _read(path: Path, mapping: Mapping | None) -> None:
    seen = outcome(lambda: look_at(path, mapping))
    facts = outcome(lambda: read_data(path, mapping=mapping))
    made = outcome(lambda: [row for _, row in mapped(path, mapping).rows])
    if isinstance(facts, Problem):
        return
    assert isinstance(seen, Preview)
    assert isinstance(made, list)
    assert not seen.faults
    assert seen.mapping == facts.mapping
    found = list(rows(path, facts.mapping))
    assert len(found) == facts.rows == len(facts.lengths) == check(path, facts.mapping).rows
    assert found[: len(seen.canonical)] == list(seen.canonical)
    assert all(tuple(row) == COLUMNS[facts.form] for row in found)
    json.dumps(found)
