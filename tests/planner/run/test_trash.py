"""Deleting that can be taken back: a run lies in the trash until its window closes, and a live one is never touched."""

from __future__ import annotations

import os
from pathlib import Path

from planner.run import layout, lock
from planner.run.library import runs
from planner.run.trash import LEFT_OVER_AFTER_S, TRASH, Trash, sweep
from tests.faults import fault
from tests.run_folders import finished_folder, run_folder, session


def test_what_was_deleted_comes_back_as_it_was(tmp_path: Path) -> None:
    folders = [finished_folder(tmp_path / name) for name in "ab"]
    before = runs(tmp_path)
    trash = Trash(tmp_path)
    deleted = trash.delete(folders)
    assert len(deleted.moved) == 2
    assert deleted.bytes > 0
    assert runs(tmp_path) == ()
    assert trash.undo(deleted).refused == ()
    assert runs(tmp_path) == before


def test_when_the_window_closes_it_is_gone(tmp_path: Path) -> None:
    trash = Trash(tmp_path)
    trash.delete([finished_folder(tmp_path / "a")])
    trash.empty()
    assert not (tmp_path / TRASH).exists()
    trash.empty()


@fault(
    "A running run is deleted",
    injected="The worker's lock is held",
    seen="That it is still running and to stop it first",
    lost="Nothing",
)
def test_a_running_run_is_refused_and_so_are_its_checkpoints(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "a", session(2))
    (folder / layout.CHECKPOINTS).mkdir()
    held = lock.Lock(folder)
    deleted = Trash(tmp_path).delete([folder, folder / layout.CHECKPOINTS])
    held.release()
    assert deleted.moved == ()
    assert [p.code for p in deleted.refused] == ["run.goes_on", "run.goes_on"]
    assert (folder / layout.CHECKPOINTS).is_dir()


def test_checkpoints_alone_can_go_and_come_back(tmp_path: Path) -> None:
    folder = finished_folder(tmp_path / "a")
    (folder / layout.CHECKPOINTS / "step-2").mkdir(parents=True)
    trash = Trash(tmp_path)
    deleted = trash.delete([folder / layout.CHECKPOINTS])
    assert not (folder / layout.CHECKPOINTS).exists()
    trash.undo(deleted)
    assert (folder / layout.CHECKPOINTS / "step-2").is_dir()


def test_nothing_outside_the_runs_is_deleted(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    finished_folder(root / "a")
    (tmp_path / "mine").mkdir()
    outside = [tmp_path / "mine", root, root / ".." / "mine", root / TRASH, root / "a" / ".." / ".." / "mine"]
    deleted = Trash(root).delete(outside)
    assert deleted.moved == ()
    assert {p.code for p in deleted.refused} == {"run.not_ours"}
    assert (tmp_path / "mine").is_dir()


def test_a_run_that_is_gone_already_is_told(tmp_path: Path) -> None:
    assert [p.code for p in Trash(tmp_path).delete([tmp_path / "a"]).refused] == ["run.gone"]


@fault(
    "A deletion is taken back, and the folder's name is taken",
    injected="Another run is put there meanwhile",
    seen="Which run could not be brought back and where it lies",
    lost="Nothing until the window closes",
)
def test_a_name_that_was_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    trash = Trash(tmp_path)
    deleted = trash.delete([finished_folder(tmp_path / "a")])
    run_folder(tmp_path / "a")
    back = trash.undo(deleted)
    assert [p.code for p in back.refused] == ["run.not_restored"]
    assert deleted.moved[0].lies.is_dir()


@fault(
    "A window is ended while deleted runs lie in its trash",
    injected="Its lock is let go as the system does, the trash left",
    seen="Nothing; the trash lies beside the runs for a day and is then swept",
    lost="The deleted runs, after a day",
)
def test_what_an_ended_window_left_is_swept_after_a_day_and_a_living_ones_is_not(tmp_path: Path) -> None:
    ended, living, fresh = Trash(tmp_path), Trash(tmp_path), Trash(tmp_path)
    lies = [trash.delete([finished_folder(tmp_path / "a")]).moved[0].lies for trash in (ended, living, fresh)]
    os.close(ended._lock)  # as the system does with a process that is killed
    os.close(fresh._lock)
    for one in lies[:2]:
        part = one.parent.parent
        old = part.stat().st_mtime - LEFT_OVER_AFTER_S - 1
        os.utime(part, (old, old))
    sweep(tmp_path)
    assert [one.exists() for one in lies] == [False, True, True]
    living.empty()
