"""Verdicts, reasons and tiers: what a person reads of an estimate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planner.drafting import draft
from planner.estimate import Estimate, Verdict, estimate, estimate_grid
from planner.facts.data import BatchShape, DataFacts, longest_batch
from planner.facts.gpus import other_machine
from planner.facts.machine import Device, Holder, MachineFacts
from planner.facts.model.catalogue import find
from planner.facts.model.facts import ModelFacts
from planner.ledger import DEVICE, DISK, HOST, Kind
from planner.plan import Choice, Plan, Stage
from planner.presets import default_plan, sample_data
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques import registry
from planner.units import GIB, MIB
from tests.small_run import choose

MODEL = ModelFacts("135M", "catalogue", "LlamaForCausalLM", "dense_gated_decoder", 49152, 576, 1536, 30, 9, 3, 64, True)
COUNTED = DataFacts("d", "", "messages", 8, 0, "", (60, 64, 64, 50, 64, 64, 40, 64), "counted", sample_prompt="Why?")


def machine(free: int = 32 * GIB, card: int = 24 * GIB) -> MachineFacts:
    devices = (
        Device("cpu", "cpu", "a CPU", 64 * GIB, free),
        Device("cuda:0", "cuda", "a card", card, card - GIB, (Holder("a game", GIB),)),
        Device("cuda:1", "cuda", "an old card", card, card, supports_bf16=False),
    )
    return MachineFacts("this computer", "Linux", "cpu", 4, 64 * GIB, free, 0, 100 * GIB, devices)


def plan(*choices: Choice, at: MachineFacts | None = None, **schedule: Any) -> Plan:
    settings: dict[str, Any] = {"micro_batch": 4, "max_length": 64, **schedule}
    stage = Stage(tuple(registry.default_choice(slot) for slot in registry.slots()), Schedule(**settings))
    for choice in choices:
        stage = stage.with_choice(choice)
    return Plan("p", MODEL, COUNTED, at or machine(), (stage,))


ON_CARD = choose(Slot.PLACEMENT, "one_device", device="cuda:0")


def host(made: Estimate) -> Any:
    return next(t for t in made.tiers if t.place == HOST)


def test_it_fits_when_even_the_high_figure_does() -> None:
    need = host(estimate(plan())).high_bytes
    made = estimate(plan(at=machine(free=need)))
    assert made.verdict is Verdict.FITS
    assert made.reason.startswith("Fits, ")
    assert " to spare" in made.reason


def test_it_is_tight_between_the_low_and_the_high_figure() -> None:
    tier = host(estimate(plan()))
    for free in (tier.low_bytes, tier.peak_bytes, tier.high_bytes - 1):
        made = estimate(plan(at=machine(free=free)))
        assert made.verdict is Verdict.TIGHT
        assert made.reason.startswith("Tight: ")


def test_it_does_not_fit_below_the_low_figure_and_says_by_how_much() -> None:
    tier = host(estimate(plan()))
    made = estimate(plan(at=machine(free=tier.peak_bytes - 200 * MIB)))
    assert made.verdict is Verdict.DOES_NOT_FIT
    assert made.reason.startswith("Does not fit: 200 MiB over. ")


def test_the_reason_names_place_moment_and_the_largest_line() -> None:
    reason = estimate(plan()).reason
    assert "RAM is fullest in step 2+, loss and head: " in reason
    assert reason.endswith("of it kept for backward.")


def test_unknown_lengths_are_bounded_and_said() -> None:
    unknown = replace(plan(), data=replace(COUNTED, lengths=(), lengths_from="unknown"))
    assert "lengths are not counted" in estimate(unknown).reason
    assert "lengths are not counted" not in estimate(plan()).reason
    assert draft(unknown).batch.seq == 64
    estimated = replace(plan(), data=replace(COUNTED, lengths_from="estimated"))
    assert "the longest batch may be longer" in estimate(estimated).reason


def test_a_model_without_formulas_is_told_with_its_reason() -> None:
    strange = replace(MODEL, family="unsupported", unsupported_because="it has experts, which are not planned yet.")
    made = estimate(replace(plan(), model=strange))
    assert made.verdict is Verdict.CANNOT_TELL
    assert made.reason == "Cannot tell: it has experts, which are not planned yet."
    assert made.tiers == ()


def problem_code(wrong: Plan) -> str:
    made = estimate(wrong)
    assert made.verdict is Verdict.CANNOT_TELL
    assert made.reason == f"Cannot tell: {made.problems[0].fact}"
    return made.problems[0].code


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        (choose(Slot.PLACEMENT, "one_device", device="cuda:9"), "placement.no_such_device"),
        (choose(Slot.PLACEMENT, "one_device", device="cuda:1"), "weights.no_bf16"),
        (choose(Slot.TRAINABLE, "lora", target_modules=("nothing",)), "lora.unknown_target"),
        (choose(Slot.TRAINABLE, "lora", target_modules=()), "lora.unknown_target"),
        (choose(Slot.TRAINABLE, "lora", target_modules=("q_proj", "q_proj")), "lora.target_twice"),
        (choose(Slot.TRAINABLE, "lora", rank=0), "option.out_of_bounds"),
        (Choice(Slot.TRAINABLE, "magic"), "technique.unknown"),
    ],
)
def test_a_choice_that_cannot_stand_is_a_problem(choice: Choice, code: str) -> None:
    assert problem_code(plan(choice)) == code


def test_a_plan_that_leaves_a_question_open_is_a_problem() -> None:
    whole = plan()
    short = Stage(whole.stage.choices[1:], whole.stage.schedule)
    assert problem_code(whole.with_stage(short)) == "plan.unanswered"


def test_a_schedule_out_of_bounds_is_a_problem() -> None:
    assert problem_code(plan(micro_batch=0)) == "option.out_of_bounds"


def test_on_the_cpu_all_tensors_are_the_computers_memory() -> None:
    made = estimate(plan())
    assert [t.place for t in made.tiers] == [HOST, DISK]
    assert {x.place for x in made.lines} == {HOST, DISK}


def test_on_a_card_the_tensors_are_there_and_the_process_beside_it() -> None:
    made = estimate(plan(ON_CARD))
    device, ram, disk = made.tiers
    assert (device.place, ram.place, disk.place) == (DEVICE, HOST, DISK)
    assert (device.name, device.budget_bytes, device.others) == ("a card", 23 * GIB, (Holder("a game", GIB),))
    assert device.live_bytes > ram.live_bytes > 0
    assert "never run here" in device.reserved.why


def test_triton_folds_tiles_in_place_where_there_is_a_card() -> None:
    tiles = choose(Slot.LOSS, "fused_tiles")

    def logits(*choices: Choice) -> int:
        return sum(x.bytes for x in estimate(plan(tiles, *choices)).lines if x.kind is Kind.LOGITS)

    assert logits(ON_CARD) * 5 < logits()


def test_states_are_there_from_the_first_update_on() -> None:
    made = estimate(plan())
    (states,) = [x for x in made.lines if x.kind is Kind.STATES and x.place == HOST]
    assert [(at.phase, at.moment) for at in made.timeline if at in states.alive][:2] == [
        ("step 1", "update"),
        ("step 2+", "forward_end"),
    ]


def test_accumulated_gradients_stay_through_the_whole_step() -> None:
    made = estimate(plan(grad_accumulation=2))
    (gradients,) = [x for x in made.lines if x.what == "Gradients"]
    assert {at.moment for at in gradients.alive} >= {"forward_end", "loss", "layer_last", "update"}


def test_stages_follow_each_other_on_one_timeline() -> None:
    one = plan()
    two = replace(one, stages=(one.stage, one.stage.with_choice(choose(Slot.TRAINABLE, "full"))))
    made = estimate(two)
    assert {at.stage for at in made.timeline} == {0, 1}
    assert made.tiers[0].peak_at is not None
    assert made.tiers[0].peak_at.stage == 1


def test_a_sliding_window_shorter_than_the_rows_needs_a_mask() -> None:
    windowed = replace(plan(), model=replace(MODEL, sliding_window=32))
    even = BatchShape(4, 64, padded=False)
    assert draft(windowed, 0, even).mask_bits == 8
    assert draft(plan(), 0, even).mask_bits == 0


def test_the_heaviest_batch_need_not_be_the_one_with_most_tokens() -> None:
    """With eager attention one long row can need more than many short ones."""
    data = replace(COUNTED, rows=45, lengths=(*(30,) * 44, 1200))
    wanted = plan(choose(Slot.ATTENTION, "eager"), micro_batch=44, max_length=2048, shuffle=False)
    made = estimate(replace(wanted, data=data))
    most_tokens = longest_batch(data, wanted.stage.schedule)
    assert (most_tokens.rows, most_tokens.seq) == (44, 30)
    by_tokens = estimate_grid(replace(wanted, data=data), most_tokens.rows, most_tokens.seq)
    assert host(made).peak_bytes > 1.5 * by_tokens["host"]


def test_without_a_sample_question_no_answer_is_planned() -> None:
    silent = estimate(replace(plan(), data=replace(COUNTED, sample_prompt="")))
    assert not [x for x in silent.lines if "sample" in x.what]
    assert [x for x in estimate(plan()).lines if x.what == "Keys and values of the sample"]


def test_memory_that_is_the_computers_ram_is_not_there_twice() -> None:
    """A Mac's GPU takes from the RAM: what a run computes with is missing beside it, a card's own memory is not."""
    model = find("HuggingFaceTB/SmolLM2-135M")
    data = sample_data(model)
    mac = estimate(default_plan(model, data, other_machine("Apple M1, 16 GB")))
    gpu, ram = mac.tiers[0], mac.tiers[1]
    assert ram.budget_bytes == mac.plan.machine.host_free_bytes - gpu.peak_bytes
    assert ram.others[0].bytes == gpu.peak_bytes
    card = estimate(default_plan(model, data, other_machine("NVIDIA GeForce RTX 4090")))
    assert card.tiers[1].budget_bytes == card.plan.machine.host_free_bytes
    full = replace(mac.plan.machine, ram_available_bytes=gpu.peak_bytes + ram.low_bytes // 2)
    assert estimate(replace(mac.plan, machine=full)).verdict is not Verdict.FITS
