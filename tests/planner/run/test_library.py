"""The list of runs: every state from the folder alone, sessions and peaks added up, damage told, little opened twice."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from planner.run import about, layout, library, lock, summary
from planner.run.about import About
from planner.run.disk_use import count, with_disk
from planner.run.events import Phase, Started
from planner.run.library import KEPT, RunState, RunSummary, look, runs
from planner.units import MIB
from tests.faults import fault
from tests.run_folders import (
    BEGAN,
    a_plan,
    done,
    finished_folder,
    out_of_memory,
    run_folder,
    said_bytes,
    session,
)


def only(root: Path) -> RunSummary:
    (found,) = runs(root)
    return found


@contextmanager
def worked_on(run_dir: Path) -> Iterator[None]:
    held = lock.Lock(run_dir)
    try:
        yield
    finally:
        held.release()


def test_a_finished_run_says_what_it_was_and_what_it_took(tmp_path: Path) -> None:
    finished_folder(tmp_path / "20260101-run", share=1.02)
    run = only(tmp_path)
    assert (run.name, run.state, run.model, run.method) == (
        "A plan",
        RunState.DONE,
        a_plan().model.name,
        "LoRA, rank 8",
    )
    assert (run.step, run.total_steps, run.loss) == (4, 4, 0.75)
    assert run.peak_bytes == round(said_bytes(a_plan()) * 1.02)
    assert run.predicted_bytes == said_bytes(a_plan())
    assert run.low_bytes <= run.predicted_bytes <= run.high_bytes
    assert run.miss is not None
    assert abs(run.miss - 0.02) < 1e-6
    assert (run.began, run.seconds) == (BEGAN, 5.0)
    assert run.whole
    assert not run.resumable


@pytest.mark.parametrize(
    ("events", "state", "resumable"),
    [
        ([], RunState.NOT_STARTED, False),
        (session(2), RunState.LOST, True),
        ([*session(2), out_of_memory(BEGAN + 3)], RunState.FAILED, True),
        ([*session(2), done(BEGAN + 3, 1, step=2, outcome="stopped")], RunState.STOPPED, True),
        ([*session(4), done(BEGAN + 3, 1, outcome="stopped")], RunState.STOPPED, False),
        ([*session(2), done(BEGAN + 3, 1, step=2, outcome="released")], RunState.RELEASED, True),
        ([*session(4), done(BEGAN + 5, 1)], RunState.DONE, False),
    ],
)
def test_the_state_is_in_the_folder(tmp_path: Path, events: list, state: RunState, resumable: bool) -> None:
    run_folder(tmp_path / "a", events)
    assert (only(tmp_path).state, only(tmp_path).resumable) == (state, resumable)


def test_a_held_lock_is_a_running_run_and_its_phase_a_paused_one(tmp_path: Path) -> None:
    a = run_folder(tmp_path / "a", session(2))
    with worked_on(a):
        assert only(tmp_path).state is RunState.RUNNING
    paused = run_folder(tmp_path / "a", [Phase(BEGAN + 3, "paused")])
    with worked_on(paused):
        assert only(tmp_path).state is RunState.PAUSED
        assert not only(tmp_path).resumable
    assert only(tmp_path).state is RunState.LOST


def test_a_run_in_the_queue_is_queued_also_when_it_has_run_before(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "a", [*session(2), out_of_memory(BEGAN + 3)])
    (folder / layout.QUEUED).write_text("{}")
    assert only(tmp_path).state is RunState.QUEUED


def test_sessions_are_added_up_without_the_time_between(tmp_path: Path) -> None:
    a_day = 24 * 3600.0
    first, second = session(2, took=900 * MIB), session(4, first=3, at=BEGAN + a_day, took=300 * MIB)
    run_folder(tmp_path / "a", [*first, *second])
    run = only(tmp_path)
    assert (run.sessions, run.seconds, run.step) == (2, 4.0, 4)
    assert run.peak_bytes == 900 * MIB, "a session's peak is not in the next one's readings"


@fault(
    "The clock is set back between or within sessions of a run",
    injected="A journal whose later events are earlier",
    seen="A duration of the sessions whose clock went on, never a negative one",
    lost="The duration of the session in which it was set back",
)
def test_a_clock_that_was_set_back_takes_no_time_away(tmp_path: Path) -> None:
    run_folder(tmp_path / "a", [*session(2), *session(4, first=3, at=BEGAN - 9000), Phase(BEGAN - 9999, "save")])
    assert only(tmp_path).seconds == 2.0


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    run_folder(tmp_path / "a", [*session(2), out_of_memory(BEGAN + 3)])
    run = only(tmp_path)
    assert (run.problem_code, run.problem_fact) == ("memory.out", "It ran out of memory in step 2.")


def test_a_resumed_run_has_no_problem_any_more(tmp_path: Path) -> None:
    run_folder(tmp_path / "a", [*session(2), out_of_memory(BEGAN + 3), *session(4, first=3, at=BEGAN + 9)])
    assert only(tmp_path).problem_code == "worker.died"
    finished_folder(tmp_path / "a")
    assert only(tmp_path).problem_code == ""


def test_name_tags_and_note_travel_with_the_folder(tmp_path: Path) -> None:
    finished_folder(tmp_path / "a")
    about.write(tmp_path / "a", About("My  best\n", about.tags_of("7B, good, good ,"), " a note "))
    run = only(tmp_path)
    assert (run.name, run.tags, run.note) == ("My best", ("7B", "good"), "a note")
    (tmp_path / "a").rename(tmp_path / "b")
    assert only(tmp_path).name == "My best"


@fault(
    "A run's journal, spec or notes are damaged",
    injected="A line is cut and the files are replaced by junk",
    seen="The run in the list with a warning sign; its card says what was read and what not",
    lost="What stood in the damaged places",
)
def test_damage_is_told_and_the_rest_shown(tmp_path: Path) -> None:
    folder = finished_folder(tmp_path / "a")
    lines = (folder / layout.EVENTS).read_bytes().split(b"\n")
    lines[3] = lines[3][:20]
    (folder / layout.EVENTS).write_bytes(b"\n".join(lines))
    run = only(tmp_path)
    assert run.state is RunState.DONE
    assert run.unread == "1 of 11 lines of the journal cannot be read; the others are shown."
    (folder / layout.SPEC).write_text("{")
    (folder / about.ABOUT).write_text("[]")
    run = only(tmp_path)
    assert (run.name, run.step, run.state) == ("a", 4, RunState.DONE)
    assert "spec.json cannot be read" in run.unread
    assert "Name, tags and note cannot be read" in run.unread


def test_a_half_line_is_told_only_when_nobody_writes_it(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "a", session(2))
    with (folder / layout.EVENTS).open("ab") as file:
        file.write(b'{"event": "step", "ti')
    assert only(tmp_path).unread == summary.CUT_OFF
    assert only(tmp_path).step == 2
    with worked_on(folder):
        assert only(tmp_path).unread == ""


def test_only_what_has_changed_is_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        finished_folder(tmp_path / name)
    opened: list[str] = []
    real = library.facts_of
    monkeypatch.setattr(library, "facts_of", lambda folder: opened.append(folder.name) or real(folder))
    first = look(tmp_path)
    assert sorted(opened) == ["a", "b", "c"]
    second = look(tmp_path, first)
    assert second.runs == first.runs
    about.write(tmp_path / "b", About(note="new"))
    assert look(tmp_path, second).by_key["b"].note == "new"
    assert opened[3:] == ["b"]
    assert look(tmp_path).by_key["b"].note == "new", "another window, from the file beside the folders"
    assert opened[4:] == []


@fault(
    "What the list of runs keeps to be fast is damaged",
    injected="The file is replaced by junk and by values of other types",
    seen="Nothing: the folders are read again",
    lost="Nothing",
)
def test_what_was_kept_and_is_damaged_is_read_anew(tmp_path: Path) -> None:
    finished_folder(tmp_path / "a")
    before = runs(tmp_path)
    kept = json.loads((tmp_path / KEPT).read_text())
    kept["runs"]["a"][1][3] = 7  # no method is a number
    for text in (json.dumps(kept), "{", "[]", '{"schema": 1}', "\x00"):
        (tmp_path / KEPT).write_text(text)
        assert runs(tmp_path) == before


def test_a_loss_that_is_no_number_survives_being_kept(tmp_path: Path) -> None:
    run_folder(tmp_path / "a", session(2, loss=math.nan))
    first = look(tmp_path)
    assert math.isnan(first.runs[0].loss)
    assert math.isnan(runs(tmp_path)[0].loss)
    assert look(tmp_path, first).runs[0] is first.runs[0]


def test_a_deleted_folder_is_gone_and_none_at_all_is_no_problem(tmp_path: Path) -> None:
    finished_folder(tmp_path / "a")
    first = look(tmp_path)
    for file in sorted((tmp_path / "a").iterdir()):
        file.unlink()
    assert look(tmp_path, first).runs == ()
    assert runs(tmp_path / "nowhere") == ()


def test_jobs_that_are_no_training_are_no_runs(tmp_path: Path) -> None:
    folder = finished_folder(tmp_path / "a")
    spec = json.loads((folder / layout.SPEC).read_text())
    (folder / layout.SPEC).write_text(json.dumps({**spec, "job": "dry_run"}))
    (tmp_path / ".trash").mkdir()
    (tmp_path / "empty").mkdir()
    assert runs(tmp_path) == ()


@pytest.mark.parametrize("pause", [0, 20_000])
def test_a_long_journal_is_read_from_its_ends(tmp_path: Path, pause: int) -> None:
    """pause: readings after the last step, so that it lies further back than one look reaches."""
    folder = run_folder(tmp_path / "a", session(3))
    lines = (folder / layout.EVENTS).read_bytes().splitlines(keepends=True)
    memory = next(line for line in lines if b'"memory"' in line)
    again = Started(BEGAN + 100, 1, 1, 4, {}, "cpu")
    (folder / layout.EVENTS).write_bytes(lines[0] + memory * 20_000)
    run_folder(folder, [again, *session(4, first=4, at=BEGAN + 200)[2:]])
    with (folder / layout.EVENTS).open("ab") as file:
        file.write(memory * pause)
    run = only(tmp_path)
    assert (run.sessions, run.step, run.loss) == (2, 4, 0.75)
    assert os.path.getsize(folder / layout.EVENTS) > 2 * MIB  # noqa: PTH202


def test_disk_use_is_counted_and_only_changed_runs_again(tmp_path: Path) -> None:
    folder = finished_folder(tmp_path / "a")
    point = folder / layout.CHECKPOINTS / "step-2"
    point.mkdir(parents=True)
    (point / "model.safetensors").write_bytes(b"x" * 5000)
    (folder / "link").symlink_to(folder / layout.CHECKPOINTS)
    found = look(tmp_path)
    uses = count(found, {})
    assert uses["a"].checkpoint_bytes == 5000
    link = (folder / "link").lstat().st_size
    rest = sum(f.stat().st_size for f in folder.iterdir() if f.is_file() and not f.is_symlink())
    assert uses["a"].total_bytes == rest + 5000 + link
    assert with_disk(found, uses).runs[0].disk_bytes == uses["a"].total_bytes
    assert count(found, {"a": replace(uses["a"], total_bytes=7)})["a"].total_bytes == 7, "nothing has changed"
    (folder / layout.CHECKPOINTS / "step-3").mkdir()
    assert count(found, {"a": replace(uses["a"], total_bytes=7)})["a"].total_bytes != 7
