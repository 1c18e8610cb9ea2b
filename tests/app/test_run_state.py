"""A run's page is folded from its journal: the same events give the same page, resumed runs repeat nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.pages.run.state import RunRecord, Said, duration
from planner.estimate import Estimate, estimate
from planner.plan import Plan
from planner.problem import Problem
from planner.run.build import run_spec
from planner.run.events import Checkpoint, Event, Failed, Finished, Memory, Phase, Sample, Started, Step
from planner.run.lock import State
from planner.run.spec import RunSpec
from planner.units import GIB, MIB


def started(time: float, resumed_from: int = -1, total: int = 10) -> Started:
    return Started(time, 1, resumed_from, total, {}, "cpu")


def step(time: float, n: int, loss: float = 1.0, tokens_per_s: float = 100.0) -> Step:
    return Step(time, n, 10, loss, loss.hex(), 1e-4, 1.0, n * 200, tokens_per_s, 64)


def memory(time: float, n: int, source: str = "process") -> Memory:
    return Memory(time, source, "host", n, n, others_bytes=GIB)


def finished(time: float, outcome: str = "done") -> Finished:
    measured = {"source": "process", "peak_bytes": 90 * MIB, "predicted_bytes": 100 * MIB, "at": "step 2 loss"}
    return Finished(time, outcome, 10, "", "", measured, "We said 100 MiB. It took 90 MiB.")


def fold(events: list[Event], state: State = State.RUNNING) -> RunRecord:
    record = RunRecord(state=state)
    for event in events:
        record.feed(event)
    return record


def test_time_left_is_estimating_at_first_and_then_counts_this_sessions_steps_only() -> None:
    early = fold([started(0.0), step(2.0, 1), step(4.0, 2)])
    assert early.time_left_words() == "estimating time left"
    later = fold([started(0.0), *(step(2.0 * n, n) for n in range(1, 6))])
    assert later.seconds_left() == pytest.approx(5 * 2.0)
    # a slow first session must not colour the estimate of a fast second one
    resumed = fold(
        [
            started(0.0),
            *(step(100.0 * n, n, tokens_per_s=2.0) for n in range(1, 5)),
            started(1000.0, resumed_from=4),
            *(step(1000.0 + n, n, tokens_per_s=200.0) for n in range(5, 10)),
        ]
    )
    assert resumed.seconds_left() == pytest.approx(1.0)


def test_steps_run_again_after_a_resume_are_drawn_once() -> None:
    whole = fold([started(0.0), *(step(n, n, 1 / n) for n in range(1, 9))])
    cut = fold(
        [
            started(0.0),
            *(step(n, n, 1 / n) for n in range(1, 5)),
            Checkpoint(4.5, 4, "x", 1, 0.1),
            *(step(n, n, 1 / n) for n in range(5, 7)),
            started(100.0, resumed_from=4),
            *(step(100.0 + n, n, 1 / n) for n in range(5, 9)),
        ]
    )
    assert cut.raw.points() == whole.raw.points()
    assert cut.smooth.points()[1] == pytest.approx(whole.smooth.points()[1])


def test_the_gap_between_two_sessions_takes_no_time() -> None:
    record = fold([started(0.0), Phase(1.0, "train"), memory(5.0, MIB), started(9000.0, 0), memory(9003.0, MIB)])
    assert record.seconds == pytest.approx(8.0)


def test_a_meter_that_speaks_before_the_worker_has_started_does_no_harm() -> None:
    record = fold([memory(1e9, MIB), started(1e9 + 1), memory(1e9 + 2, MIB)])
    assert record.seconds == pytest.approx(2.0)


def test_a_devices_own_counter_replaces_the_process_once_it_is_there() -> None:
    record = fold([started(0.0), memory(1.0, 5 * GIB), memory(2.0, MIB, "reserved"), memory(3.0, 7 * GIB)])
    assert (record.source, record.peak_bytes) == ("reserved", MIB)


def test_the_first_smoothed_loss_is_the_first_loss() -> None:
    assert fold([started(0.0), step(1.0, 1, 2.5)]).smoothed == pytest.approx(2.5)


def test_a_loss_that_is_no_number_is_not_drawn_and_breaks_nothing() -> None:
    record = fold([started(0.0), step(1.0, 1, 2.0), step(2.0, 2, math.nan), step(3.0, 3, 1.0)])
    assert record.raw.points()[0] == [1, 3]
    assert math.isfinite(record.smoothed)


def test_the_closing_sentence_is_the_workers_and_the_miss_is_said() -> None:
    record = fold([started(0.0), step(1.0, 10), finished(2.0)], State.FINISHED)
    assert record.verdict_words() == "We said 100 MiB. It took 90 MiB."
    assert record.took_bytes == 90 * MIB
    assert record.state_words() == "finished"
    assert not record.resumable()


@pytest.mark.parametrize(
    ("state", "outcome", "resumable"),
    [
        (State.RUNNING, "", False),
        (State.LOST, "", True),
        (State.RELEASED, "released", True),
        (State.FINISHED, "stopped", True),
        (State.FINISHED, "done", False),
    ],
)
def test_only_a_run_that_was_cut_off_can_be_resumed(state: State, outcome: str, resumable: bool) -> None:
    events: list[Event] = [started(0.0), step(1.0, 1)]
    if outcome:
        events.append(finished(2.0, outcome))
    assert fold(events, state).resumable() is resumable


def test_a_run_stopped_after_its_last_step_has_nothing_left_to_resume() -> None:
    record = fold([started(0.0), step(1.0, 10), finished(2.0, "stopped")], State.FINISHED)
    assert record.step == record.total_steps
    assert not record.resumable()


def test_a_failure_carries_its_problem_and_a_new_session_forgets_it() -> None:
    problem = Problem("disk.full", "The disk is full.", "Free some space.")
    record = fold([started(0.0), Failed(1.0, "save", 3, problem)], State.FAILED)
    assert record.problem == problem
    record.feed(started(2.0, 3))
    assert record.problem is None


def test_paused_is_said_and_needs_a_living_worker() -> None:
    record = fold([started(0.0), Phase(1.0, "train"), Phase(2.0, "paused", "It keeps 1 GiB")])
    assert record.paused
    assert record.state_words() == "paused"
    record.state = State.LOST
    assert not record.paused


def test_samples_and_checkpoints_are_kept_in_order() -> None:
    record = fold([started(0.0), Sample(1.0, "before", 0, "q", "a"), Sample(2.0, "after", 10, "q", "b")])
    assert [s.when for s in record.samples] == ["before", "after"]
    assert record.saved_words() == "no checkpoint yet"


def test_without_a_spec_nothing_is_said() -> None:
    assert Said.of(None) == Said()
    assert RunRecord().verdict_words() == ""


def test_durations_read_well() -> None:
    assert [duration(s) for s in (0, 40, 840, 7500)] == ["0 s", "40 s", "14 min", "2 h 05 min"]


@pytest.mark.parametrize("outcome", ["released", "stopped"])
def test_a_run_that_was_cut_short_is_not_said_to_have_missed(outcome: str, make_plan: Callable[..., Plan]) -> None:
    plan = make_plan()
    result = estimate(plan)
    end = replace(finished(2.0, outcome), step=3)
    record = fold([started(0.0), step(1.0, 3), end], State.RELEASED)
    record.spec = run_spec_for_tests(plan, result)
    assert "than expected" not in record.miss_words()
    assert "longest batch" in record.miss_words()
    whole = fold([started(0.0), step(1.0, 10), finished(2.0)], State.FINISHED)
    whole.spec = record.spec
    assert "less than expected" in whole.miss_words()


def run_spec_for_tests(plan: Plan, result: Estimate) -> RunSpec:
    """The order of a run whose files nobody looks for."""
    model = replace(plan.model, path="/nowhere", source="folder")
    return run_spec(replace(plan, model=model), result, Path("/nowhere/run"))


def test_a_resumed_run_is_the_run_of_its_first_start() -> None:
    record = fold([started(100.0), step(101.0, 1), started(900.0, resumed_from=1)])
    assert record.began_at == 100.0
