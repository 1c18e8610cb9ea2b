"""One object for every short job of a worker: what it tells, how it ends, and that nothing of it is left behind.

The worker is the real one; the job is a count that fails at its first row, or that is cancelled while libraries load.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app import job as jobs
from app.job import Job, Order
from planner.problem import Problem, fail
from planner.run import lock
from planner.run.folders import LEFT_OVER_AFTER_S, sweep_work, work_dir
from planner.run.jobs import ScanSpec, write_job

pytest.importorskip("torch", reason="needs the [train] extra")


def count_order(model: Path, rows: Path, folders: list[Path] | None = None) -> Order:
    def write(folder: Path) -> None:
        if folders is not None:
            folders.append(folder)
        write_job(folder, ScanSpec(str(model), str(rows)))

    return Order("count", write, lambda folder: (folder / "lengths.json").read_text())


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"prompt": "a", "completion": " b"}) + "\n")
    return path


def test_what_the_worker_could_not_do_comes_as_its_problem_and_the_folder_is_gone(
    qtbot: QtBot, tmp_path: Path, tiny_model_dir: Path
) -> None:
    broken = tmp_path / "rows.jsonl"
    broken.write_text("not json\n")
    job, folders, heard = Job(), [], []
    job.problem.connect(heard.append)
    job.done.connect(heard.append)
    with qtbot.waitSignal(job.ended, timeout=60_000):
        job.start(count_order(tiny_model_dir, broken, folders))
        assert job.going_on
    assert [type(h) for h in heard] == [Problem]
    assert heard[0].code.startswith("data.")
    assert not job.going_on
    assert not folders[0].exists()


def test_a_cancelled_job_leaves_no_worker_and_no_folder_and_tells_no_result(
    qtbot: QtBot, tiny_model_dir: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "OBEYS_WITHIN_S", 0.2)  # it is still loading libraries and hears no wish
    ended: list[tuple[int, int]] = []
    kill = os.kill

    def seen(pid: int, sign: int) -> None:
        ended.append((pid, sign))
        kill(pid, sign)

    monkeypatch.setattr(jobs.os, "kill", seen)
    job, folders, heard = Job(), [], []
    job.problem.connect(heard.append)
    job.done.connect(heard.append)
    with qtbot.waitSignal(job.told, timeout=60_000):
        job.start(count_order(tiny_model_dir, rows, folders))
    pid = lock.holder_pid(folders[0])
    assert lock.is_held(folders[0])
    with qtbot.waitSignal(job.ended, timeout=30_000):
        job.cancel()
    assert heard == []
    assert ended[0] == (pid, signal.SIGTERM)
    assert not folders[0].exists()
    qtbot.waitUntil(lambda: not is_alive(pid), timeout=10_000)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def test_a_closing_window_ends_its_job_and_hears_no_more_of_it(qtbot: QtBot, tiny_model_dir: Path, rows: Path) -> None:
    job, folders, heard = Job(), [], []
    with qtbot.waitSignal(job.told, timeout=60_000):
        job.start(count_order(tiny_model_dir, rows, folders))
    job.ended.connect(lambda: heard.append("ended"))
    job.leave()
    qtbot.waitUntil(lambda: not folders[0].exists(), timeout=30_000)
    qtbot.waitUntil(lambda: job._over.is_set())
    assert heard == []


def test_what_was_asked_for_before_the_window_closed_is_not_begun_after_it(qtbot: QtBot) -> None:
    job, begun = Job(), []
    job.leave()
    job.start(Order("count", begun.append, begun.append))
    assert not job.going_on
    assert not begun


def test_an_order_that_cannot_be_written_is_a_problem(qtbot: QtBot) -> None:
    def write(_folder: Path) -> None:
        raise fail("a.code", "A fact.", "An advice.")

    job, heard = Job(), []
    job.problem.connect(heard.append)
    with qtbot.waitSignal(job.ended):
        job.start(Order("none", write, lambda _folder: None))
    assert [p.code for p in heard] == ["a.code"]
    assert list(work_dir().iterdir()) == []


def test_folders_left_by_an_ended_window_are_swept_after_a_day_and_no_sooner() -> None:
    old, new = work_dir() / "count-old", work_dir() / "count-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    long_ago = time.time() - LEFT_OVER_AFTER_S - 60
    os.utime(old, (long_ago, long_ago))
    sweep_work()
    assert [p.name for p in work_dir().iterdir()] == ["count-new"]
