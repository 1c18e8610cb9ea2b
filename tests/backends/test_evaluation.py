"""Evaluations inside a run: they change no number of the training, and each comes once, however often the run is cut off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner.facts.split import held_out, trained_on
from planner.plan import Plan
from planner.run import inbox
from planner.run.events import Evaluation, Event, Finished, Phase, Sample
from planner.run.journal import evaluations, last_word, read_all, steps
from planner.run.start import start
from planner.schedule import Schedule
from planner.slots import Slot
from tests.small_run import choose, kill, small_plan, wait_for_end, wait_until, write_run
from tests.tiny_model import make_rows

pytest.importorskip("torch", reason="needs the [train] extra")
pytestmark = pytest.mark.usefixtures("warm_workers")

LORA = choose(Slot.TRAINABLE, "lora", dropout=0.2)
ROWS, EVERY = 28, 2
EVALUATED = {"eval_fraction": 0.25, "eval_steps": EVERY, "eval_batch": 3, "sample_steps": 4}


@pytest.fixture(scope="module")
def plan(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    data = make_rows(tmp_path_factory.mktemp("data") / "rows.jsonl", ROWS)
    settings = {"max_steps": -1, "epochs": 1.5, "grad_accumulation": 2, "save_steps": 3}
    return small_plan(tiny_model_dir, data, LORA, **settings, **EVALUATED)


@pytest.fixture(scope="module")
def whole(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> tuple[Event, ...]:
    return run(tmp_path_factory.mktemp("whole"), plan)


def run(run_dir: Path, plan: Plan) -> tuple[Event, ...]:
    write_run(run_dir, plan)
    start(run_dir)
    return wait_for_end(run_dir)


def told(events: tuple[Event, ...]) -> list[tuple[int, str, int]]:
    return [(e.step, e.loss_hex, e.tokens) for e in evaluations(events)]


def test_every_so_many_steps_and_at_the_end_rows_held_out_are_evaluated(whole: tuple[Event, ...]) -> None:
    trained = steps(whole)
    assert [s.step for s in trained] == list(range(1, 10))  # 21 rows: 6 steps an epoch
    found = [e for e in whole if isinstance(e, Evaluation)]
    assert [e.step for e in found] == [2, 4, 6, 8, 9]
    assert len({e.loss_hex for e in found}) == len(found)
    assert {float.fromhex(e.loss_hex) == e.loss and e.seconds > 0 for e in found} == {True}
    assert len({e.tokens for e in found}) == 1
    assert all(e.loss < trained[0].loss * 1.05 for e in found)
    assert "evaluate" in [e.phase for e in whole if isinstance(e, Phase)]


def test_the_sample_question_is_answered_on_the_way(whole: tuple[Event, ...]) -> None:
    assert [(s.when, s.step) for s in whole if isinstance(s, Sample)] == [
        ("before", 0),
        ("during", 4),
        ("during", 8),
        ("after", 9),
    ]


def test_losses_are_those_of_the_training_rows_alone_with_nothing_evaluated(
    whole: tuple[Event, ...], plan: Plan, tmp_path: Path
) -> None:
    """Dropout and the order of rows draw from generators, which evaluations and answers leave as they were."""
    lines = Path(plan.data.path).read_text(encoding="utf-8").splitlines()
    kept = tmp_path / "rows.jsonl"
    kept.write_text("\n".join(lines[i] for i in trained_on(ROWS, plan.stage.schedule)) + "\n", encoding="utf-8")
    alone = small_plan(Path(plan.model.path), kept, *plan.stage.choices)
    schedule = replace(plan.stage.schedule, eval_fraction=0.0, eval_steps=0, sample_steps=0)
    events = run(tmp_path / "run", alone.with_schedule(schedule))
    assert [s.loss_hex for s in steps(events)] == [s.loss_hex for s in steps(whole)]
    assert not evaluations(events)
    ends = [last_word(x) for x in (events, whole)]
    assert all(isinstance(x, Finished) for x in ends)
    assert ends[0].sha256 == ends[1].sha256  # type: ignore[union-attr]


def test_an_evaluation_that_a_stop_cut_short_comes_after_the_resume(
    whole: tuple[Event, ...], plan: Plan, tmp_path: Path
) -> None:
    write_run(tmp_path, plan)
    start(tmp_path)
    wait_until(tmp_path, lambda events: any(isinstance(e, Phase) and e.phase == "evaluate" for e in events))
    inbox.send(tmp_path, "stop")  # within an evaluation, or some steps after it
    assert last_word(wait_for_end(tmp_path)).outcome == "stopped"  # type: ignore[union-attr]
    start(tmp_path)
    events = wait_for_end(tmp_path)
    assert told(events) == told(whole)
    assert len([e for e in events if isinstance(e, Evaluation)]) == len(told(whole))
    assert [s.loss_hex for s in steps(events)] == [s.loss_hex for s in steps(whole)]


def test_an_evaluation_that_is_due_when_the_run_is_stopped_is_owed(plan: Plan, tmp_path: Path) -> None:
    each = plan.with_schedule(replace(plan.stage.schedule, eval_steps=1, max_steps=9, sample_steps=0))
    write_run(tmp_path, each)
    start(tmp_path)
    wait_until(tmp_path, lambda events: any(isinstance(e, Phase) and e.phase == "train" for e in events))
    inbox.send(tmp_path, "pause")  # in a step, or in the evaluation of one
    wait_until(tmp_path, lambda events: any(isinstance(e, Phase) and e.phase == "paused" for e in events))
    inbox.send(tmp_path, "stop")
    first = wait_for_end(tmp_path)
    done = [s.step for s in steps(first)]
    assert [e.step for e in evaluations(first)] == done[:-1]
    start(tmp_path)
    found = [e.step for e in wait_for_end(tmp_path) if isinstance(e, Evaluation)]
    assert found == list(range(1, 10))


def test_a_run_killed_between_evaluations_ends_with_the_same_ones(
    whole: tuple[Event, ...], plan: Plan, tmp_path: Path
) -> None:
    write_run(tmp_path, plan)
    start(tmp_path)
    wait_until(tmp_path, lambda events: any(e.step >= 4 for e in evaluations(events)))
    kill(tmp_path)
    start(tmp_path)
    wait_for_end(tmp_path)
    assert told(read_all(tmp_path).events) == told(whole)


def test_rows_whose_answers_are_all_cut_away_are_not_evaluated(tiny_model_dir: Path, tmp_path: Path) -> None:
    """TRL drops them; the run goes on without."""
    n = 12
    split = Schedule(eval_fraction=0.25)
    draw = make_rows(tmp_path / "drawn.jsonl", n, form="prompt_completion").read_text().splitlines()
    long = '{"prompt": "' + "memory " * 80 + '", "completion": " byte."}'
    out = set(held_out(n, split))
    data = tmp_path / "rows.jsonl"
    data.write_text("\n".join(long if i in out else draw[i] for i in range(n)) + "\n", encoding="utf-8")
    plan = small_plan(tiny_model_dir, data, LORA, completion_only=True, eval_fraction=0.25, eval_steps=1)
    events = run(tmp_path / "run", plan)
    assert isinstance(last_word(events), Finished)
    assert len(steps(events)) == 2
    assert not evaluations(events)
