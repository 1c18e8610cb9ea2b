"""One run at a time whoever starts it, and what a night tells: when it was asked for, for what, and only while it holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner.estimate import estimate
from planner.plan_file import load_spec
from planner.problem import ProblemError
from planner.run import alone, keeper, layout, lock, overnight, queue
from planner.run.folders import work_dir
from planner.run.home import HOME_VARIABLE, home_found
from planner.run.keeper import Keeper
from planner.run.overnight import Story
from planner.run.queue import Queued
from planner.run.retry import Retry, apply_retry
from tests.faults import fault
from tests.small_run import small_plan
from tests.tiny_model import make_rows


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    (tmp_path / "home" / "runs").mkdir(parents=True)
    return tmp_path / "home"


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / layout.SPEC).write_text('{"versions": {"no_such_library": "1.0"}}')
    return path


@fault(
    "A second window starts another run",
    injected="The lock of another run, or of a proof, is held",
    seen="That a run is going on, by its name, and a button that queues the plan",
    lost="Nothing",
)
@pytest.mark.parametrize("parent", ["runs", "work"])
def test_a_second_run_is_not_started_beside_one_or_beside_a_proof(own_home: Path, parent: str) -> None:
    busy, mine = folder(own_home / parent / "prove-1"), folder(own_home / "runs" / "mine")
    worker = lock.Lock(busy)
    with pytest.raises(ProblemError) as caught:
        alone.start_alone(mine)
    assert caught.value.problem.code == "run.one_at_a_time"
    queue.add(Queued(mine))
    assert Keeper().look()
    assert queue.waiting()[0].said == f"Waits for {alone.name_of(busy)}, which is going on."
    worker.release()
    assert alone.going_on() is None
    assert (alone.name_of(busy) == busy.name) == (busy.parent != work_dir())


def test_a_night_that_cannot_begin_is_told_too_with_when_it_was_asked_for(own_home: Path) -> None:
    run_dir = folder(own_home / "runs" / "a")
    queue.add(Queued(run_dir, overnight=True, added=86_400.0 * 365))
    overnight.write(run_dir, Story(proved="nothing was proved", began=86_400.0 * 365))
    while Keeper().look():
        pass
    sentences = overnight.told(run_dir)
    assert len(sentences) == 3
    assert sentences[0].startswith("At ")
    assert "not installed" in sentences[2]


def test_what_was_asked_for_is_the_plan_before_the_nights_changes(tiny_model_dir: Path, tmp_path: Path) -> None:
    plan = small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 8), max_steps=7)
    run_dir = queue.enqueue(estimate(plan), overnight=True)
    found = Retry("Fewer", "", plan.with_schedule(replace(plan.stage.schedule, max_steps=3)), 1, 1, before=plan)
    apply_retry(run_dir, found)
    with pytest.raises(ProblemError) as caught:
        apply_retry(run_dir, found)  # pressed in another window
    assert caught.value.problem.code == "retry.too_late"
    assert load_spec(run_dir / layout.SPEC).plan.stage.schedule.max_steps == 3
    assert "you asked for 7 steps" in overnight.tell(run_dir, Story(began=1.0, changes=("fewer",)))[0]
    overnight.forget(run_dir)
    assert overnight.told(run_dir) == ()
    assert overnight.read(run_dir, 5.0) == Story(began=5.0)


def test_a_home_given_as_seen_from_here_is_the_same_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, "mine")
    assert home_found() == {HOME_VARIABLE: str(tmp_path / "mine")}


def test_a_keeper_says_a_problem_once_and_ends_with_a_queue_that_cannot_be_read(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queue.queue_file().write_text("junk")
    assert keeper.main() == 1
    found = Keeper()
    capsys.readouterr()
    for _look in range(3):
        found.say_problem("The disk is full.")
    assert capsys.readouterr().err == "The disk is full.\n"
    assert queue.keeper_says().problem == "The disk is full."
