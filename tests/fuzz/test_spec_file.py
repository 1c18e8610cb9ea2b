"""Plan files and run specs that anything may have happened to: opened as they are, or a Problem, and nothing else."""

from __future__ import annotations

import json
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planner import plan_file
from planner.plan import Plan
from planner.problem import ProblemError
from planner.run.spec import RunSpec
from tests.fuzz import CASES
from tests.run_folders import a_plan, spec_of

LONGEST_MS = 5_000  # of one case, on a machine that does much else; a hang takes longer

VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.lists(st.integers(), max_size=3)
    | st.dictionaries(st.text(max_size=4), st.integers(), max_size=2)
)


@lru_cache(maxsize=1)
def texts() -> tuple[str, str]:
    return plan_file.dumps(a_plan()), plan_file.dumps(spec_of(a_plan()))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    return [path, *(place for key, v in inner for place in places(v, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    whole = json.loads(json.dumps(value))
    at = whole
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new
    return whole


def read(text: bytes, *, spec: bool) -> None:
    found, told = opened(text, spec=spec)
    if found is None:
        assert 0 < len(told) < 2000
    else:
        assert plan_file.dumps(found)
        hash(found.plan if isinstance(found, RunSpec) else found)


def opened(text: bytes, *, spec: bool) -> tuple[Plan | RunSpec | None, str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.json"
        path.write_bytes(text)
        try:
            return (plan_file.load_spec(path) if spec else plan_file.load_plan(path)), ""
        except ProblemError as error:
            return None, error.problem.fact


@settings(max_examples=CASES, deadline=LONGEST_MS)
@given(st.data(), st.booleans())
def test_another_value_in_any_place_is_read_or_told(data: st.DataObject, spec: bool) -> None:
    whole = json.loads(texts()[spec])
    for _n in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(whole)))
        whole = put(whole, place, data.draw(VALUES))
    read(json.dumps(whole).encode(), spec=spec)


@settings(max_examples=CASES, deadline=LONGEST_MS)
@given(st.data(), st.booleans())
def test_a_torn_file_is_read_or_told(data: st.DataObject, spec: bool) -> None:
    text = texts()[spec].encode()
    begin = data.draw(st.integers(0, len(text)))
    end = min(len(text), begin + data.draw(st.integers(0, 300)))
    into = data.draw(st.binary(max_size=10) | st.sampled_from((b"null", b"NaN", b"1e999", b"[" * 5000, b'{"a":' * 500)))
    read(text[:begin] + into + text[end:], spec=spec)


@settings(max_examples=CASES, deadline=LONGEST_MS)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_told(data: bytes, spec: bool) -> None:
    read(data, spec=spec)
