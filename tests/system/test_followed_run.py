"""Faults under a run that is followed, all of them real: two windows on it, its model deleted, killed, its folder moved.

One worker lives through them in this order, as it takes seconds to start.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from pytestqt.qtbot import QtBot

from app.pages.run.page import RunPage
from app.runner import Runner
from planner.problem import Problem
from planner.run import layout, lock
from planner.run.journal import read_all, steps
from planner.run.lock import State
from planner.run.start import start
from tests.small_run import kill, log_tail, small_plan, write_run
from tests.tiny_model import make_rows

pytest.importorskip("torch", reason="needs the [train] extra")
pytestmark = [
    pytest.mark.usefixtures("warm_workers"),
    pytest.mark.skipif(sys.platform == "win32", reason="an open file keeps its folder there"),
]
LONG_MS = 120_000


@pytest.fixture
def run_dir(tiny_model_dir: Path, tmp_path: Path) -> Iterator[Path]:
    model = tmp_path / "model"
    shutil.copytree(tiny_model_dir, model)
    folder = tmp_path / "runs" / "20260101-000000-followed"
    plan = small_plan(model, make_rows(tmp_path / "rows.jsonl", 24), max_steps=100_000, save_steps=20)
    write_run(folder, plan)
    yield folder
    if lock.is_held(folder):
        kill(folder)


def follow(qtbot: QtBot, run_dir: Path) -> tuple[Runner, RunPage, list[Problem]]:
    runner, page, problems = Runner(), RunPage(), []
    qtbot.addWidget(page)
    runner.attached.connect(page.show_run)
    runner.changed.connect(page.show_record)
    runner.problem.connect(problems.append)
    page.show()
    runner.attach(run_dir)
    return runner, page, problems


def test_two_windows_a_model_deleted_a_kill_and_a_folder_moved_lose_nothing_that_was_saved(
    qtbot: QtBot, run_dir: Path
) -> None:
    start(run_dir)
    first, page, _p = follow(qtbot, run_dir)
    second, other_page, problems = follow(qtbot, run_dir)

    def until(happened: object) -> None:
        qtbot.waitUntil(happened, timeout=LONG_MS)  # type: ignore[arg-type]

    until(lambda: first.record.step >= 2 and second.record.step >= 2)
    first.send("pause")  # either may wish, both see
    until(lambda: first.record.paused and second.record.paused)
    second.send("resume")
    until(lambda: not first.record.paused and not second.record.paused)

    shutil.rmtree(run_dir.parent.parent / "model")
    was = first.record.step
    until(lambda: first.record.step > was + 20 and len(first.record.checkpoints) > 0)
    assert lock.is_held(run_dir), log_tail(run_dir)

    kill(run_dir)
    until(lambda: first.record.state is State.LOST and second.record.state is State.LOST)
    until(lambda: first.record.step == second.record.step == steps(read_all(run_dir).events)[-1].step)
    assert page.fault.heading.text() == other_page.fault.heading.text() == "The system ended the worker"
    saved = first.record.checkpoints[-1].step
    assert page.fault.again.text() == f"Resume from step {saved:,}"

    first.resume()  # and the other window sees that as well
    until(lambda: second.record.failed is not None and second.record.state is State.FAILED)
    assert second.record.failed is not None
    assert second.record.failed.problem.code == "model.not_found"
    assert str(run_dir.parent.parent / "model") in other_page.fault.fact.text()
    assert list((run_dir / layout.CHECKPOINTS).glob("step-*"))

    until(lambda: first.record.state is State.FAILED)
    moved = run_dir.rename(run_dir.with_name("elsewhere"))
    until(lambda: first.record.gone and second.record.gone)
    assert page.fault.heading.text() == "The run's folder is gone"
    assert not page.head.resume.isVisible()
    assert first.record.step >= saved, "what was read stays on the page"
    moved.rename(run_dir)
    until(lambda: not first.record.gone and first.record.state is State.FAILED)
    assert page.fault.heading.text() == "The run failed"
    assert problems == []
    for runner in (first, second):
        runner.detach()
