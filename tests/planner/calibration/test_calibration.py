"""Laws of calibration: what runs teach moves a prediction to what was seen, for their device only, and can be taken back."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import calibrating
from planner.calibration import store
from planner.calibration.correction import ALLOCATOR, CONTEXT, PROOF, Correction
from planner.calibration.corrections import corrections_from, counted
from planner.calibration.fingerprint import fingerprint
from planner.calibration.observation import Observation, observe
from planner.calibration.said import evidence, name_of
from planner.estimate import Tier, estimate, estimate_grid, heaviest_batch
from planner.facts.machine import Device
from planner.facts.model import catalogue
from planner.plan import Plan
from planner.plan_file import dumps, loads
from planner.problem import ProblemError
from planner.run.build import main_tier, run_spec
from planner.run.events import Event, Finished, Memory, Phase, Step
from planner.run.results import Proof
from planner.run.spec import RunSpec
from planner.slots import Slot
from planner.units import GIB, MIB
from tests.planner.test_plan_file import sample_plan
from tests.small_run import choose

CARD = Device("cuda:0", "cuda", "NVIDIA L40S", 48 * GIB, 47 * GIB)


def two_epochs() -> Plan:
    """A plan whose longest batch comes again once the optimizer has its states."""
    plan = sample_plan()
    return plan.with_schedule(replace(plan.stage.schedule, epochs=2.0))


def on_card(plan: Plan) -> Plan:
    machine = replace(plan.machine, devices=(CARD, *plan.machine.devices))
    return replace(plan, machine=machine).with_choice(choose(Slot.PLACEMENT, "one_device", device="cuda:0"))


def spec_of(plan: Plan) -> RunSpec:
    return run_spec(plan, estimate(plan), "/run", elsewhere=True)


def tier_of(plan: Plan, corrections: tuple[Correction, ...] = ()) -> Tier:
    plan = replace(plan, machine=replace(plan.machine, corrections=corrections))
    found = main_tier(estimate(plan), plan)
    assert found is not None
    return found


def events(**peaks: int) -> list[Event]:
    """A journal that ends well; peaks: bytes by source."""
    tier = "device" if "reserved" in peaks else "host"
    read = [Memory(2.0, source, tier, size, size) for source, size in peaks.items()]
    loads = [
        Phase(0.0, "load", "libraries"),
        Memory(0.5, "process", "host", 300 * MIB, 300 * MIB),
        Phase(1.0, "load", "m"),
    ]
    steps = [Step(1.5, n, 2, 1.0, "", 0.1, 1.0, 33, 9.0, 12) for n in (1, 2)]
    measured = {"source": "process", "peak_bytes": 0, "predicted_bytes": 0, "at": ""}
    return [*loads, *steps, *read, Finished(3.0, "done", 3, "", "", measured, "")]


def seen(plan: Plan, name: str = "one", **peaks: int) -> Observation:
    return observe(spec_of(plan), events(**peaks), name=name, time=3.0)


def proof(plan: Plan, took: int) -> Proof:
    batch = heaviest_batch(plan)
    return Proof("CPU", "process", took, "", took, 0, 0, took, 1, 1, 1, int(batch.rows), int(batch.seq), 1.0, 9.0)


def figures(tier: Tier) -> tuple[int, int, int]:
    return tier.low_bytes, tier.peak_bytes, tier.high_bytes


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    return tmp_path


def test_nothing_observed_changes_nothing(own_home: Path) -> None:
    assert corrections_from(()) == ()
    plan = two_epochs()
    machine = calibrating.with_corrections(plan.machine)
    assert machine == plan.machine
    assert not (own_home / "calibration.json").exists()


@given(st.integers(-300, 900))
@settings(deadline=None, max_examples=30)
def test_a_cpu_runs_own_plan_is_then_predicted_exactly(beyond_mib: int) -> None:
    plan = two_epochs()
    took = tier_of(plan).peak_bytes + beyond_mib * MIB
    tier = tier_of(plan, corrections_from([seen(plan, process=took)]))
    assert tier.peak_bytes == took
    assert tier.low_bytes <= tier.peak_bytes <= tier.high_bytes
    assert "Corrected by 1 run on this computer: context" in tier.reserved.why


def test_a_corrected_band_is_narrower_than_that_of_all_computers() -> None:
    plan = two_epochs()
    before = tier_of(plan)
    after = tier_of(plan, corrections_from([seen(plan, process=before.peak_bytes + 20 * MIB)]))
    assert after.high_bytes - after.low_bytes < before.high_bytes - before.low_bytes


@given(st.lists(st.integers(-200, 600), min_size=1, max_size=6))
@settings(deadline=None, max_examples=30)
def test_several_runs_leave_each_of_them_inside(beyond_mib: list[int]) -> None:
    plan = two_epochs()
    said = tier_of(plan).peak_bytes
    taken = [said + n * MIB for n in beyond_mib]
    corrections = corrections_from([seen(plan, str(i), process=n) for i, n in enumerate(taken)])
    low, expected, high = figures(tier_of(plan, corrections))
    assert all(low <= n <= high for n in taken)
    assert low <= expected <= high
    assert [c.term for c in corrections] == [CONTEXT, ALLOCATOR]
    for one in corrections:
        assert one.low <= one.amount <= one.high
        assert one.runs == tuple(str(i) for i in range(len(taken)))


def test_what_a_large_model_took_beyond_does_not_move_a_small_one_out_of_its_band() -> None:
    """A hundredth of what the large one takes is more than half of the small one."""
    small = two_epochs()
    large = replace(small, model=catalogue.find("Qwen/Qwen2.5-14B"))
    before = tier_of(large)
    taught = corrections_from([seen(large, process=before.peak_bytes + before.live_bytes * 29 // 1000)])
    was, now = tier_of(small), tier_of(small, taught)
    assert was.low_bytes <= now.peak_bytes <= was.high_bytes
    assert tier_of(large, taught).peak_bytes - before.peak_bytes > before.live_bytes * 28 // 1000


@given(st.integers(-15, 40), st.integers(-2, 8), st.integers(-100, 400))
@settings(deadline=None, max_examples=30)
def test_a_cards_three_counters_correct_three_terms(grows_pct: int, kept_pct: int, context_mib: int) -> None:
    plan = on_card(two_epochs())
    tier = tier_of(plan)
    one = seen(plan, allocated=1, reserved=1, process=1)
    allocated = one.live_bytes + one.grows_bytes * grows_pct // 100
    reserved = allocated + one.allocator_bytes + one.live_bytes * kept_pct // 100
    process = reserved + one.context_bytes + context_mib * MIB
    corrections = corrections_from([seen(plan, allocated=allocated, reserved=reserved, process=process)])
    after = tier_of(plan, corrections)
    assert abs(after.peak_bytes - process) <= 2 + process // 5000
    assert abs(after.reserved_bytes - reserved) <= 2 + process // 5000
    assert after.low_bytes <= after.peak_bytes <= after.high_bytes
    assert after.live_bytes == tier.live_bytes


def test_another_device_is_untouched() -> None:
    plan = two_epochs()
    took = tier_of(plan).peak_bytes + 100 * MIB
    taught = corrections_from([seen(plan, process=took)])
    assert figures(tier_of(on_card(plan), taught)) == figures(tier_of(on_card(plan)))
    other = replace(plan, machine=replace(plan.machine, devices=(replace(plan.machine.devices[0], name="Another"),)))
    assert figures(tier_of(other, taught)) == figures(tier_of(other))


def test_a_grid_is_corrected_as_its_estimate_is() -> None:
    for plan in (two_epochs(), on_card(two_epochs())):
        card = plan.machine.devices[0] is CARD
        one = seen(plan, process=2 * GIB, **({"reserved": GIB, "allocated": GIB} if card else {}))
        corrected = replace(plan, machine=replace(plan.machine, corrections=corrections_from([one])))
        batch = heaviest_batch(plan)
        tier = main_tier(estimate(corrected), corrected)
        assert tier is not None
        assert estimate_grid(corrected, batch.rows, batch.seq)[tier.place.tier] == tier.peak_bytes


def test_a_proof_narrows_its_own_plan_and_no_other() -> None:
    plan = two_epochs()
    took = tier_of(plan).peak_bytes + 60 * MIB
    one = observe(spec_of(plan), proof(plan, took), name="prove-1", time=1.0)
    (proved,) = [c for c in corrections_from([one]) if c.term == PROOF]
    before, after = tier_of(plan), tier_of(plan, (proved,))
    assert after.low_bytes <= took <= after.high_bytes
    assert after.high_bytes - after.low_bytes < before.high_bytes - before.low_bytes
    assert [c.name for c in after.reserved.causes] == ["proof"]
    assert after.reserved.why.startswith("Proved on this computer")
    other = plan.with_schedule(replace(plan.stage.schedule, micro_batch=2))
    assert figures(tier_of(other, (proved,))) == figures(tier_of(other))


def test_a_proved_plan_expects_the_rows_and_answers_that_its_proof_did_not_meet() -> None:
    plan = two_epochs().with_choice(choose(Slot.ATTENTION, "eager"))
    took = tier_of(plan).peak_bytes
    one = observe(spec_of(plan), proof(plan, took), name="prove-1", time=1.0)
    (proved,) = [c for c in corrections_from([one]) if c.term == PROOF]
    alone = tier_of(plan, (proved,)).peak_bytes
    many = replace(plan, data=replace(plan.data, size_bytes=20 * MIB))
    assert tier_of(many, (proved,)).peak_bytes - alone > 100 * MIB
    asked = replace(plan, data=replace(plan.data, sample_prompt="What is a byte?"))
    assert tier_of(asked, (proved,)).peak_bytes - alone == tier_of(asked).peak_bytes - took > 30 * MIB


def test_a_fingerprint_is_of_what_decides_memory() -> None:
    plan = two_epochs()

    def of(p: Plan) -> str:
        return fingerprint(p, (heaviest_batch(p),))

    s = plan.stage.schedule
    same = [
        replace(plan, name="other"),
        plan.with_schedule(replace(s, learning_rate=0.5)),
        plan.with_schedule(replace(s, seed=s.seed + 1)),
        replace(plan, model=replace(plan.model, name="other", path="/elsewhere")),
    ]
    assert {of(p) for p in same} == {of(plan)}
    others = [
        plan.with_schedule(replace(s, micro_batch=1)),
        plan.with_schedule(replace(s, max_length=11)),
        plan.with_schedule(replace(s, grad_accumulation=2)),
        plan.with_choice(choose(Slot.TRAINABLE, "lora", rank=32)),
        plan.with_choice(choose(Slot.WEIGHTS, "fp32")),
        replace(plan, model=replace(plan.model, n_layers=3)),
    ]
    assert len({of(plan), *map(of, others)}) == 1 + len(others)


def test_what_cannot_be_compared_teaches_nothing() -> None:
    plan = two_epochs()
    guessed = replace(plan, data=replace(plan.data, lengths_from="estimated"))
    *before, word = events(process=GIB)
    assert isinstance(word, Finished)
    for spec, what in (
        (spec_of(guessed), events(process=GIB)),
        (spec_of(plan), [*before, replace(word, outcome="stopped")]),
        (spec_of(plan), []),
        (spec_of(plan), replace(proof(plan, GIB), seq=5)),
    ):
        with pytest.raises(ProblemError) as caught:
            observe(spec, what, name="x", time=0.0)
        assert caught.value.problem.code == "calibration.not_comparable"


def test_a_run_whose_longest_batch_met_no_states_or_never_came_teaches_nothing() -> None:
    """Else a run of one step would teach that all others need less, by the states that it never had."""
    plan = two_epochs()
    one_step = plan.with_schedule(replace(plan.stage.schedule, max_steps=1))
    with pytest.raises(ProblemError, match="in the first step only"):
        seen(one_step, process=GIB)
    shorter = [replace(e, seq=11) if isinstance(e, Step) else e for e in events(process=GIB)]
    with pytest.raises(ProblemError, match="Its longest rows had 11 tokens; planned were 12"):
        observe(spec_of(plan), shorter, name="x", time=0.0)
    seen(plan, process=GIB)


def test_other_versions_do_not_count_and_say_so() -> None:
    one = replace(seen(two_epochs(), process=GIB), versions=(("torch", "2.13.0"),))
    assert counted([one], {"torch": "2.13.0"}) == ((one,), ())
    for now, why in (({"torch": "2.14.0"}, "torch 2.13.0, now 2.14.0"), ({}, "now missing")):
        counts, ((left, said),) = counted([one], now)
        assert counts == ()
        assert left == one
        assert why in said
    older = replace(one, predicted_by="0.0.1")
    assert "another version" in counted([older], {"torch": "2.13.0"})[1][0][1]


def test_forgetting_restores_the_prediction_and_is_remembered(own_home: Path) -> None:
    plan = two_epochs()
    one = seen(plan, "first", process=tier_of(plan).peak_bytes + 50 * MIB)
    one = replace(one, versions=())
    store.change(lambda known: known.with_one(one))
    assert calibrating.with_corrections(plan.machine).corrections == corrections_from([one])
    correction, other = calibrating.corrections()
    calibrating.forget(name_of(correction))
    assert calibrating.with_corrections(plan.machine).corrections == (other,)
    calibrating.forget(name_of(other))
    assert calibrating.with_corrections(plan.machine).corrections == ()
    store.change(lambda known: known.with_one(replace(one, name="second")))
    assert calibrating.corrections() == ()
    calibrating.restore(name_of(correction))
    assert calibrating.corrections()[0].runs == ("first", "second")
    calibrating.forget("first")
    assert store.load().with_one(one) == store.load()
    assert calibrating.corrections()[0].runs == ("second",)
    with pytest.raises(ProblemError, match=r"calibration\.unknown"):
        calibrating.forget("nobody")


@pytest.mark.parametrize("text", ["", "{", '{"schema": 9, "observations": [], "forgotten": []}', '{"observations": 3}'])
def test_a_damaged_store_is_a_problem_and_stays_as_it_is(own_home: Path, text: str) -> None:
    file = own_home / "calibration.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProblemError, match=r"calibration\.damaged"):
        calibrating.corrections()
    machine = calibrating.with_corrections(two_epochs().machine)
    assert machine.corrections == ()
    assert any(str(file) in note for note in machine.notes)
    with pytest.raises(ProblemError, match=r"calibration\.damaged"):
        calibrating.forget("anything")
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("changes", [{"process_bytes": -1}, {"allocated_bytes": 2**60}, {"grows_bytes": -5}, {}])
def test_what_no_run_can_have_shown_is_damage_and_moves_no_plan(own_home: Path, changes: dict[str, int]) -> None:
    one = seen(two_epochs(), process=GIB)
    store.change(lambda known: store.Known((replace(one, versions=(), **changes), *(() if changes else (one, one)))))
    machine = calibrating.with_corrections(two_epochs().machine)
    assert machine.corrections == ()
    assert any("calibration.observations" in note for note in machine.notes)


def test_what_several_learn_at_once_is_all_kept(own_home: Path) -> None:
    one, together = seen(two_epochs(), process=GIB), threading.Barrier(6)

    def learn(number: int) -> None:
        together.wait()
        store.change(lambda known: known.with_one(replace(one, name=str(number))))

    threads = [threading.Thread(target=learn, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {x.name for x in store.load().observations} == set("012345")


def test_a_plan_keeps_its_corrections_in_its_file() -> None:
    plan = two_epochs()
    less = corrections_from([seen(plan, process=tier_of(plan).peak_bytes - 20 * MIB)])
    assert less[0].amount < 0
    plan = replace(plan, machine=replace(plan.machine, corrections=less))
    assert loads(dumps(plan)) == plan


def test_evidence_names_runs_and_spread() -> None:
    context = Correction(CONTEXT, "cpu CPU", 41 * MIB, 35 * MIB, 47 * MIB, ("a", "b", "c"))
    assert evidence((context,)) == "Corrected by 3 runs on this computer: context +41 MiB (+35 MiB to +47 MiB)."
