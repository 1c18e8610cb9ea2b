"""A run that came to its end teaches this computer, and the open plan's figures follow without a step of its history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.calibrating import with_corrections
from app.document import Document
from app.free_now import differs
from app.pages.run.page import RunPage
from app.pages.run.state import RunRecord
from app.runner import Runner
from app.shell.learning import Learning, lessons
from app.shell.running import Running
from app.shell.status import StatusBar
from app.widgets.problem_bar import ProblemBar
from planner.estimate import estimate, heaviest_batch
from planner.plan import Plan
from planner.plan_file import save_spec
from planner.run import layout
from planner.run.build import run_spec
from planner.run.events import Event, Finished, Memory, Started, Step
from planner.run.folders import new_run_dir
from planner.run.journal import Journal
from planner.run.lock import State
from planner.units import MIB

MakePlan = Callable[..., Plan]
MORE = 100 * MIB


def runnable(plan: Plan) -> Plan:
    return replace(plan, model=replace(plan.model, path="/models/x"), data=replace(plan.data, lengths_from="counted"))


def finished_run(plan: Plan) -> Path:
    """The folder of a run that took a little more than was said."""
    folder = new_run_dir("a run")
    said = estimate(plan)
    save_spec(run_spec(plan, said, folder), folder / layout.SPEC)
    peak = said.tiers[0].peak_bytes + MORE
    journal = Journal(folder)
    measured = {"source": "process", "peak_bytes": peak, "predicted_bytes": said.tiers[0].peak_bytes, "at": "step 2"}
    events: tuple[Event, ...] = (
        Started(1.0, 1, -1, 4, {}, "cpu"),
        Memory(2.0, "process", "host", peak, peak, step=2, moment="backward"),
        Step(2.5, 2, 4, 1.0, "0x1p+0", 1e-3, 1.0, 1000, 100.0, int(heaviest_batch(plan).seq)),
        Finished(3000.0, "done", 4, "", "", measured, "We said. It took."),
    )
    for event in events:
        journal.append(event)
    journal.close()
    return folder


def test_a_finished_run_moves_the_open_plan_to_what_it_took(qtbot: QtBot, make_plan: MakePlan) -> None:
    plan = runnable(make_plan())
    document = Document()
    learning = Learning(document)
    document.open_plan(plan, plan.stage)
    before = estimate(plan).tiers[0].peak_bytes
    with qtbot.waitSignal(learning.acted) as said, qtbot.waitSignal(learning.learned) as learned:
        learning.after_run(finished_run(plan))
    (corrections,) = learned.args
    assert "on this computer" in said.args[0]
    now = replace(plan.machine, corrections=corrections)
    assert differs(plan.machine, now)
    document.refresh_machine(now)
    after = document.estimate
    assert after is not None
    assert after.tiers[0].peak_bytes == before + MORE
    assert document.stack.count() == 0
    assert list(learning.times.values()) == [3000.0]


def test_a_run_that_teaches_nothing_says_why_and_changes_nothing(qtbot: QtBot, make_plan: MakePlan) -> None:
    guessed = replace(runnable(make_plan()), data=make_plan().data)
    owner = Document()
    learning = Learning(owner)
    with qtbot.waitSignal(learning.acted) as said, qtbot.waitSignal(learning.learned) as learned:
        learning.after_run(finished_run(guessed))
    assert "teaches nothing" in said.args[0]
    assert learned.args == [()]
    assert with_corrections(guessed.machine) == guessed.machine


def test_a_damaged_store_teaches_nothing_and_breaks_nothing(own_home: Path) -> None:
    own_home.mkdir()
    (own_home / "calibration.json").write_text("{")
    assert lessons() == ((), {})


class _Menus:
    def show_run(self, *, live: bool, paused: bool) -> None: ...


def test_only_an_end_that_was_watched_is_told_as_finished(qtbot: QtBot, tmp_path: Path) -> None:
    runner, page, status, problems = Runner(), RunPage(), StatusBar(), ProblemBar()
    for widget in (page, status, problems):
        qtbot.addWidget(widget)
    running = Running(runner, page, status, _Menus(), problems, runner)  # type: ignore[arg-type]
    ended, live = [], []
    running.finished.connect(ended.append)
    running.live.connect(live.append)
    runner.run_dir = tmp_path
    runner.changed.emit(RunRecord(state=State.FINISHED))  # found as it was left
    assert ended == []
    for state in (State.RUNNING, State.RUNNING, State.FINISHED, State.FINISHED):
        runner.changed.emit(RunRecord(state=state))
    assert ended == [tmp_path]
    assert live == [True, False]
    for state in (State.RUNNING, State.LOST):
        runner.changed.emit(RunRecord(state=state))
    assert ended == [tmp_path]
