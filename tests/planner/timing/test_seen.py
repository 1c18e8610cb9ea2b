"""What a finished run teaches of time and power: its steps but the first, for its device alone, and it can be taken away."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app import calibrating
from planner.calibration import store
from planner.calibration.correction import POWER, SPEED, Correction
from planner.calibration.corrections import corrections_from
from planner.calibration.observation import Observation, timing_version
from planner.calibration.said import amount_in_words, evidence, name_of
from planner.drafting import draft
from planner.estimate import estimate
from planner.plan import Plan
from planner.run.events import Event, Finished, Started, Step
from planner.timing.rates_of import rates_of
from planner.timing.seen import steps_timed
from planner.timing.speed import speed_of
from planner.timing.timed import timed
from planner.timing.work import work_of_steps
from planner.units import GIB
from tests.planner.calibration.test_calibration import events, seen
from tests.planner.test_plan_file import sample_plan

TIMES = 1.7


def three_epochs() -> Plan:
    plan = sample_plan()
    return plan.with_schedule(replace(plan.stage.schedule, epochs=6.0))


def said(plan: Plan) -> list[float]:
    speed = speed_of(plan)
    assert speed is not None
    rates = rates_of(draft(plan), speed)
    return [float(rates.seconds(w)) for w in work_of_steps(plan.data, plan.stage.schedule, 6)]


def journal(plan: Plan, times: float = TIMES, first: float = 50.0, **measured: float) -> list[Event]:
    """Steps that take so many times what is said of them, the first of all far longer."""
    steps: list[Event] = [Started(0.0, 1, -1, 6, {}, "cpu")]
    for n, seconds in enumerate(said(plan), 1):
        took = seconds * (first if n == 1 else times)
        steps.append(Step(float(n), n, 6, 1.0, "", 0.1, 1.0, 33 * n, 33 / took, 12))
    steps.append(Finished(9.0, "done", 6, "", "", dict(measured), ""))
    return steps


def slowed(step: Event) -> Step:
    assert isinstance(step, Step)
    return replace(step, tokens_per_s=1e-3)


def taught(plan: Plan, *corrections: Correction) -> Plan:
    return replace(plan, machine=replace(plan.machine, corrections=corrections))


def observed(name: str = "one", times: float = TIMES, watts: float = 0.0) -> Observation:
    plan = three_epochs()
    found = steps_timed(plan, journal(plan, times, joules=watts * 10, joules_s=10.0))
    assert found is not None
    one = seen(plan, name, process=GIB)
    now = replace(one, said_s=found.said_s, took_s=found.took_s, watts=found.watts, versions=())
    return replace(now, timed_by=timing_version())


def test_the_first_step_does_not_count_and_neither_does_one_slow_moment() -> None:
    plan = three_epochs()
    found = steps_timed(plan, journal(plan))
    assert found is not None
    assert found.steps == 5
    assert found.took_s / found.said_s == pytest.approx(TIMES, rel=1e-6)
    slow = journal(plan)
    slow[3] = slowed(slow[3])
    again = steps_timed(plan, slow)
    assert again is not None
    assert again.took_s == pytest.approx(found.took_s)


def test_a_resumed_sessions_first_step_does_not_count_either() -> None:
    plan = three_epochs()
    events = journal(plan)
    events.insert(4, Started(3.5, 2, 3, 6, {}, "cpu"))
    events[5] = slowed(events[5])
    found = steps_timed(plan, events)
    assert found is not None
    assert found.steps == 4
    assert found.took_s / found.said_s == pytest.approx(TIMES, rel=1e-6)


def test_too_few_steps_and_unknown_rows_say_nothing() -> None:
    plan = three_epochs()
    assert steps_timed(plan, journal(plan)[:3]) is None
    unknown = replace(plan, data=replace(plan.data, lengths=(), lengths_from="unknown", sha256="other"))
    assert steps_timed(unknown, journal(plan)) is None
    assert seen(plan, process=GIB).said_s == 0  # two steps, of which one counts


def test_a_run_moves_its_devices_time_to_what_it_took_and_narrows_the_band() -> None:
    plan = three_epochs()
    before = timed(plan)
    after = timed(taught(plan, *corrections_from([observed()])))
    assert before is not None
    assert after is not None
    assert after.seconds_per_epoch[1] == pytest.approx(before.seconds_per_epoch[1] * TIMES, rel=1e-3)
    assert (
        after.seconds_per_epoch[2] / after.seconds_per_epoch[0]
        < before.seconds_per_epoch[2] / before.seconds_per_epoch[0]
    )
    assert after.why.startswith("measured by 1 run of this computer")
    other = replace(plan, machine=replace(plan.machine, devices=(replace(plan.machine.devices[0], name="Another"),)))
    assert timed(taught(other, *corrections_from([observed()]))) == timed(other)


def test_runs_that_differ_are_all_inside_the_band() -> None:
    ways = (0.4, 1.0, 2.5)
    plan = three_epochs()
    corrections = corrections_from([observed(str(t), t) for t in ways])
    (speed,) = [c for c in corrections if c.term == SPEED]
    assert speed.runs == ("0.4", "1.0", "2.5")
    before, after = timed(plan), timed(taught(plan, *corrections))
    assert before is not None
    assert after is not None
    for t in ways:
        assert after.seconds_per_epoch[0] <= before.seconds_per_epoch[1] * t * 1.001
        assert before.seconds_per_epoch[1] * t * 0.999 <= after.seconds_per_epoch[2]


def test_time_and_power_move_no_byte() -> None:
    plan = three_epochs()
    timing = [c for c in corrections_from([observed(watts=90.0)]) if c.term in (SPEED, POWER)]
    assert len(timing) == 2
    assert estimate(taught(plan, *timing)).tiers == estimate(plan).tiers


def test_watts_are_those_that_runs_were_seen_with() -> None:
    plan = three_epochs()
    assert [c for c in corrections_from([observed()]) if c.term == POWER] == []
    found = timed(taught(plan, *corrections_from([observed(watts=87.5)])))
    assert found is not None
    assert found.watts == 87.5
    none = timed(plan)
    assert none is not None
    assert none.watts is None


def test_another_table_of_speeds_does_not_count() -> None:
    older = replace(observed(), timed_by="another")
    assert [c for c in corrections_from([older]) if c.term == SPEED] == []
    assert len(corrections_from([older])) == len(corrections_from([observed()])) - 1


def test_it_is_shown_taken_away_and_brought_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    store.change(lambda known: known.with_one(observed()))
    (speed,) = [c for c in calibrating.corrections() if c.term == SPEED]
    assert amount_in_words(speed) == "speed 1.70 × the seconds"
    assert evidence((speed,)) == "Corrected by 1 run on this computer: speed 1.70 × the seconds."
    calibrating.forget(name_of(speed))
    assert SPEED not in [c.term for c in calibrating.corrections()]
    calibrating.restore(name_of(speed))
    assert SPEED in [c.term for c in calibrating.corrections()]


def test_a_store_from_before_still_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    store.change(lambda known: known.with_one(observed(watts=3.0)))
    file = tmp_path / "calibration.json"
    old = json.loads(file.read_text(encoding="utf-8"))
    for one in old["observations"]:
        for name in ("said_s", "took_s", "timed_by", "watts"):
            del one[name]
    file.write_text(json.dumps(old), encoding="utf-8")
    assert [c.term for c in calibrating.corrections()] == ["context", "allocator"]
    old["observations"][0]["took_s"] = -1.0
    file.write_text(json.dumps(old), encoding="utf-8")
    with pytest.raises(Exception, match="took_s"):
        calibrating.corrections()


def test_an_ordinary_journal_says_nothing_of_power() -> None:
    plan = three_epochs()
    found = steps_timed(plan, [*journal(plan)[:-1], *events(process=GIB)[-1:]])
    assert found is not None
    assert found.watts == 0
