"""A run's folder of which anything may be damaged: the list has a row for it, with plain values, and never raises."""

from __future__ import annotations

import json
import math
import tempfile
from functools import lru_cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.run import layout
from planner.run.about import ABOUT
from planner.run.events import encode
from planner.run.library import KEPT, RunState, RunSummary, look
from planner.run.summary import LONGEST_TEXT
from tests.fuzz import CASES
from tests.run_folders import BEGAN, done, finished_folder, out_of_memory, session

LONGEST_MS = 5_000  # of one case, on a machine that does much else; a hang takes longer

FILES = (layout.SPEC, layout.EVENTS, ABOUT, layout.EXIT, layout.ALIVE, layout.QUEUED)


@lru_cache(maxsize=1)
def whole() -> dict[str, bytes]:
    """A real folder's files."""
    with tempfile.TemporaryDirectory() as folder:
        finished_folder(Path(folder))
        files = {name: (Path(folder) / name).read_bytes() for name in (layout.SPEC, layout.EVENTS)}
    return {**files, ABOUT: b'{"name": "a", "tags": ["x"], "note": ""}'}


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file of a run with a stretch of it replaced, repeated or missing; or any bytes."""
    data = draw(st.sampled_from(tuple(whole().values())))
    for _n in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        end = min(len(data), begin + draw(st.integers(0, 200)))
        into = draw(
            st.binary(max_size=12) | st.sampled_from((b"null", b"-1", b"1e999", b'"', b"\n", b"[[", data[:200]))
        )
        data = data[:begin] + into + data[end:]
    return data


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just({}) | st.just([])


@st.composite
def odd_lines(draw: st.DrawFn) -> bytes:
    """Lines that are whole JSON, with values of any type in any field."""
    events = [*session(3), out_of_memory(BEGAN + 4), *session(4, first=4), done(BEGAN + 9, 7)]
    lines = []
    for event in draw(st.lists(st.sampled_from(events), max_size=8)):
        fields = json.loads(encode(event))
        for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=3)):
            fields[name] = draw(VALUES)
        lines.append(json.dumps(fields))
    return ("\n".join(lines) + draw(st.sampled_from(("", "\n")))).encode()


def check(run: RunSummary) -> None:
    assert run.name
    assert isinstance(run.state, RunState)
    assert all(isinstance(n, int) and n >= 0 for n in (run.step, run.total_steps, run.peak_bytes, run.predicted_bytes))
    assert math.isfinite(run.seconds)
    assert run.seconds >= 0
    assert math.isfinite(run.began)
    assert all(len(text) <= LONGEST_TEXT for text in (run.name, run.model, run.sentence, run.problem_fact))


@settings(max_examples=CASES, deadline=LONGEST_MS)
@given(st.dictionaries(st.sampled_from(FILES), damaged() | odd_lines() | st.binary(max_size=300), max_size=5))
def test_any_folder_is_a_row_or_no_run(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "a"
        folder.mkdir()
        for name, data in {**whole(), **files}.items():
            (folder / name).write_bytes(data)
        found = look(Path(root))
        for run in found.runs:
            check(run)
        again = look(Path(root))
        assert repr(again.runs) == repr(found.runs), "what was kept says the same"


@settings(max_examples=CASES, deadline=LONGEST_MS)
@given(st.sampled_from(FILES))
def test_a_folder_in_a_files_place_is_no_accident(name: str) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = finished_folder(Path(root) / "a")
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()
        for run in look(Path(root)).runs:
            check(run)


@lru_cache(maxsize=1)
def kept() -> bytes:
    with tempfile.TemporaryDirectory() as root:
        finished_folder(Path(root) / "a")
        look(Path(root))
        return (Path(root) / KEPT).read_bytes()


@settings(max_examples=CASES, deadline=LONGEST_MS)
@given(st.data())
def test_a_damaged_file_of_what_was_kept_changes_no_type(data: st.DataObject) -> None:
    text = kept()
    begin = data.draw(st.integers(0, len(text)))
    end = min(len(text), begin + data.draw(st.integers(0, 30)))
    into = data.draw(st.sampled_from((b"", b"null", b"-1", b"{}", b"[]", b'"', b"1.5", b"true", b"9" * 30)))
    with tempfile.TemporaryDirectory() as root:
        finished_folder(Path(root) / "a")
        (Path(root) / KEPT).write_bytes(text[:begin] + into + text[end:])
        for run in look(Path(root)).runs:
            assert isinstance(run.name, str)
            assert isinstance(run.step, int)
