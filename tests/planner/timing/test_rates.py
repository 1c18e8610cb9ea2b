"""Laws of the time model: what is dearer takes longer, no rate knows the batch, and one plan's seconds are its rates' sum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.draft import Loop
from planner.drafting import draft
from planner.facts.data import BatchShape
from planner.facts.gpus import other_machine
from planner.facts.model import catalogue
from planner.plan import Choice, Plan
from planner.slots import Slot
from planner.timing.effort import effort_of
from planner.timing.rates import Rates, Work
from planner.timing.rates_of import rates, rates_of
from planner.timing.speed import of_card, of_cores, speed_of
from planner.timing.timed import timed
from planner.timing.work import evaluations_of
from tests.plan_strategies import plans
from tests.planner.test_plan_file import sample_plan
from tests.small_run import choose

STEP = Work(1, 1, 512, 512 * 128)
ONE_CORE = of_cores(1)
LORA = choose(Slot.TRAINABLE, "lora")


def of(*choices: Choice, plan: Plan | None = None) -> Rates:
    plan = plan or sample_plan()
    for choice in choices:
        plan = plan.with_choice(choice)
    return rates_of(draft(plan), ONE_CORE)


def on(card: str, plan: Plan | None = None) -> Plan:
    plan = plan or sample_plan()
    moved = replace(plan, machine=other_machine(card), model=catalogue.find("Qwen/Qwen2.5-7B"))
    return moved.with_choice(choose(Slot.PLACEMENT, "one_device", device="cuda:0"))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_no_rate_knows_the_batch(attention: str) -> None:
    plan = sample_plan().with_choice(choose(Slot.ATTENTION, attention))
    shapes = [BatchShape(1, 8, padded=False), BatchShape(16, 4096), BatchShape(2, 33)]
    found = {rates_of(draft(plan, batch=shape), ONE_CORE) for shape in shapes}
    many = plan.with_schedule(replace(plan.stage.schedule, micro_batch=1, grad_accumulation=9, max_length=64))
    assert found | {rates_of(draft(many), ONE_CORE)} == {rates_of(draft(plan), ONE_CORE)}


def test_what_is_made_again_or_written_out_takes_longer() -> None:
    plain = of(
        LORA, choose(Slot.ACTIVATION, "keep_all"), choose(Slot.ATTENTION, "sdpa"), choose(Slot.LOSS, "full_logits")
    )
    again = of(LORA, choose(Slot.ACTIVATION, "checkpointing"))
    assert 1.1 * plain.per_token < again.per_token < 1.5 * plain.per_token
    assert again.per_pair > plain.per_pair
    assert of(LORA, choose(Slot.ATTENTION, "eager")).per_pair > 2 * plain.per_pair
    assert of(LORA, choose(Slot.LOSS, "fused_tiles")).per_token > 1.2 * plain.per_token


def test_an_update_takes_longer_for_more_elements_and_tensor_by_tensor() -> None:
    full = [of(choose(Slot.TRAINABLE, "full"), choose(Slot.OPTIMIZER, "adamw", implementation=n)).per_step
            for n in ("fused", "foreach", "for_loop")]  # fmt: skip
    assert full[0] < full[1] < full[2]
    assert of(LORA).per_step < full[0] / 10


def test_a_frozen_matrix_needs_no_gradient_and_a_trained_one_half_as_much_again() -> None:
    frozen = effort_of(draft(sample_plan().with_choice(choose(Slot.TRAINABLE, "lora", rank=1))))
    trained = effort_of(draft(sample_plan().with_choice(choose(Slot.TRAINABLE, "full"))))
    assert trained.flops_16 == pytest.approx(1.5 * frozen.flops_16, rel=0.02)
    params = sample_plan().model.params
    assert trained.flops_16 == pytest.approx(6 * params, rel=0.02)  # the rule of thumb: 6 × parameters × tokens


def test_products_are_counted_where_they_are_made() -> None:
    """Of a frozen model: forward and back, in blocks that are made again once more; tiles go back in float32."""
    plan = sample_plan().with_choice(choose(Slot.TRAINABLE, "lora", rank=1))
    keeps = plan.with_choice(choose(Slot.ACTIVATION, "keep_all")).with_choice(choose(Slot.LOSS, "full_logits"))
    again = keeps.with_choice(choose(Slot.ACTIVATION, "checkpointing"))
    tiles = keeps.with_choice(choose(Slot.LOSS, "fused_tiles"))
    head = plan.model.vocab_size * plan.model.hidden_size
    blocks = plan.model.params - head
    plain, remade, tiled = (effort_of(draft(p)) for p in (keeps, again, tiles))
    assert plain.flops_16 == pytest.approx(2 * 2 * (head + blocks), rel=0.001)
    assert remade.flops_16 - plain.flops_16 == pytest.approx(2 * blocks, rel=0.001)
    assert remade.pair_flops == pytest.approx(plain.pair_flops * 16 / 12)
    assert tiled.flops_32 - plain.flops_32 == 2 * head
    assert tiled.flops_16 == plain.flops_16


def test_attention_multiplies_what_a_hand_counts_for_each_pair() -> None:
    """9 heads of 64 in 30 layers. A score is 64 multiplications and 64 additions, mixing in one value row as many; each of
    these two products has two of its own size on the way back, one for each of its factors."""
    plan = sample_plan().with_choice(choose(Slot.ACTIVATION, "keep_all"))
    score = mixing = 64 + 64
    assert effort_of(draft(plan)).pair_flops == 30 * 9 * (score + mixing) * 3


def test_a_token_is_multiplied_with_the_experts_that_it_is_sent_to() -> None:
    """OLMoE, 16 layers: 8 of 64 experts of 3 matrices. Such models are not run yet; what they take is counted."""
    plan = replace(sample_plan(), model=catalogue.find("allenai/OLMoE-1B-7B-0924"))
    frozen = effort_of(draft(plan.with_choice(choose(Slot.TRAINABLE, "lora", rank=1, target_modules=("q_proj",)))))
    attention, router, experts = 4 * 2048 * 2048, 64 * 2048, 8 * 3 * 1024 * 2048
    read = 16 * (attention + router + experts) + 50304 * 2048
    assert frozen.flops_16 == pytest.approx(2 * 2 * read, rel=0.001)  # to multiply and to add, forward and back


@given(st.integers(1, 256), st.integers(1, 256))
@settings(deadline=None, max_examples=20)
def test_a_higher_rank_is_never_faster(a: int, b: int) -> None:
    low, high = (of(choose(Slot.TRAINABLE, "lora", rank=r)).seconds(STEP) for r in sorted((a, b)))
    assert low <= high
    assert (low < high) == (a != b)


def test_packed_weights_are_unpacked_for_each_batch() -> None:
    bf16, nf4 = of(LORA, choose(Slot.WEIGHTS, "bf16")), of(LORA, choose(Slot.WEIGHTS, "nf4"))
    assert nf4.per_micro_batch > 2 * bf16.per_micro_batch
    assert of(LORA, choose(Slot.WEIGHTS, "fp32")).per_micro_batch > bf16.per_micro_batch


def test_more_layers_take_longer_in_every_rate_but_the_heads() -> None:
    plan = sample_plan()
    deeper = replace(plan, model=replace(plan.model, n_layers=60))
    assert all(more > less for more, less in zip(of(plan=deeper)[:4], of(plan=plan)[:4], strict=True))


def test_what_is_offloaded_passes_the_link_twice() -> None:
    one = draft(on("NVIDIA L40S"))
    speed = speed_of(on("NVIDIA L40S"))
    assert speed is not None
    away = effort_of(one._replace(loop=Loop(offloaded=True)))
    assert effort_of(one).moved_bytes == 0
    assert away.moved_bytes == 2 * 28 * 3584 * 2
    assert rates(away, speed).per_token - rates(away._replace(moved_bytes=0), speed).per_token == pytest.approx(
        away.moved_bytes / speed.host_bytes_s
    )


def test_a_card_is_told_what_to_do_while_it_works() -> None:
    """So a small batch takes as long as starting its operations, and a large one no longer for it."""
    speed = speed_of(on("NVIDIA L40S"))
    assert speed is not None
    found = rates_of(draft(on("NVIDIA L40S")), speed)
    assert found.starting > 0
    small, large = Work(1, 0, 8, 64), Work(1, 0, 200_000, 10**8)
    assert found.seconds(small) == pytest.approx(found.starting)
    assert found._replace(starting=0.0).seconds(large) == found.seconds(large)
    assert rates_of(draft(sample_plan()), ONE_CORE).starting == 0


@given(st.lists(st.tuples(*[st.integers(0, 10**6)] * 4), min_size=1, max_size=5), st.floats(0, 1e-3))
@settings(deadline=None, max_examples=40)
def test_arrays_of_work_are_timed_as_each_of_them(works: list[tuple[int, int, int, int]], starting: float) -> None:
    found = Rates(1e-5, 1e-9, 1e-3, 1e-2, starting)
    together = found.seconds(Work(*np.array(works).T))
    assert together.tolist() == pytest.approx([found.seconds(Work(*one)) for one in works])


def test_a_better_card_and_more_threads_are_faster() -> None:
    seconds = [timed(on(card)).seconds_per_epoch[1]  # type: ignore[union-attr]
               for card in ("NVIDIA L40S", "NVIDIA A100-SXM4-80GB", "NVIDIA H100 80GB HBM3")]  # fmt: skip
    assert seconds[0] > seconds[1] > seconds[2]
    plan = sample_plan()
    one, four = (timed(plan.with_schedule(replace(plan.stage.schedule, threads=n))) for n in (1, 4))
    assert one is not None
    assert four is not None
    assert one.tokens_per_s[1] < four.tokens_per_s[1] < 4 * one.tokens_per_s[1]


def test_a_plans_time_is_its_rates_over_its_work_in_a_band_with_a_reason() -> None:
    plan = sample_plan()
    found = timed(plan)
    assert found is not None
    low, expected, high = found.seconds_per_epoch
    speed = speed_of(plan)
    assert speed is not None
    assert expected == rates_of(draft(plan), speed).seconds(found.work)
    assert low < expected < high
    assert found.tokens_per_s == pytest.approx(
        (found.work.tokens / high, found.work.tokens / expected, found.work.tokens / low)
    )
    assert "no run of this computer has been seen" in found.why
    assert "never run on a card here" in (timed(on("NVIDIA L40S")) or found).why


def test_a_run_is_as_many_epochs_as_its_steps_make() -> None:
    plan = sample_plan()
    once, thrice, cut = (
        timed(plan.with_schedule(replace(plan.stage.schedule, micro_batch=1, **changes)))  # type: ignore[arg-type]
        for changes in ({}, {"epochs": 3.0}, {"epochs": 3.0, "max_steps": 1})
    )
    assert once is not None
    assert thrice is not None
    assert cut is not None
    assert thrice.seconds_of_run == pytest.approx(tuple(3 * s for s in once.seconds_of_run))
    assert cut.seconds_of_run == pytest.approx(tuple(s / 3 for s in once.seconds_of_run))
    assert once.seconds_of_run == once.seconds_per_epoch


def test_evaluations_take_their_part_of_a_run_and_none_of_an_epoch() -> None:
    """Full training: a forward pass is a third of a step's products, and as much of its time but for the update's."""
    plan = sample_plan().with_choice(choose(Slot.TRAINABLE, "full"))
    schedule = replace(plan.stage.schedule, micro_batch=1, grad_accumulation=1, max_steps=10, eval_fraction=0.5)
    data = replace(plan.data, rows=8, lengths=(64,) * 8, prompt_lengths=(), sha256="eight")
    plan = replace(plan, data=data)
    never, last, thrice = (
        timed(plan.with_schedule(replace(schedule, **changes)))  # type: ignore[arg-type]
        for changes in ({"eval_fraction": 0.0}, {}, {"eval_steps": 4})
    )
    assert never is not None
    assert last is not None
    assert thrice is not None
    assert never.evaluating == (0.0, 0.0, 0.0)
    assert thrice.evaluating == pytest.approx(tuple(3 * s for s in last.evaluating)), "after steps 4, 8 and 10"
    assert last.work.tokens == never.work.tokens / 2
    four_steps = last.seconds_per_epoch[1]
    assert 0.1 * four_steps < last.evaluating[1] < four_steps / 3
    assert last.seconds_of_run[1] == pytest.approx(2.5 * four_steps + last.evaluating[1])
    assert [evaluations_of(n, replace(schedule, eval_steps=4)) for n in (3, 4, 5, 8)] == [1, 1, 2, 2]


def test_rows_that_are_dropped_are_no_steps() -> None:
    """Answers that are cut away whole: of four rows two are left, or none."""
    plan = sample_plan()
    data = replace(plan.data, form="prompt_completion", rows=4, lengths=(9, 30, 9, 30), prompt_lengths=(4, 20, 4, 20),
                   sha256="half")  # fmt: skip
    schedule = replace(plan.stage.schedule, micro_batch=1, grad_accumulation=1, max_length=16, max_steps=3)
    plan = replace(plan.with_schedule(schedule), data=data)
    every = timed(plan)
    half = timed(plan.with_schedule(replace(schedule, completion_only=True)))
    assert every is not None
    assert half is not None
    assert (every.epochs, half.epochs) == (3 / 4, 3 / 2)
    assert timed(plan.with_schedule(replace(schedule, completion_only=True, max_length=3))) is None


def test_nothing_is_said_of_what_nobody_knows() -> None:
    plan = sample_plan()
    assert (
        timed(replace(plan, model=replace(plan.model, family="unsupported", unsupported_because="it is new"))) is None
    )
    assert timed(replace(plan, machine=replace(plan.machine, devices=()))) is None
    assert of_card("A card nobody knows") is None


@given(plans())
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_any_plan_has_a_time_or_none(plan: Plan) -> None:
    found = timed(plan)
    assert found is None or found.seconds_per_epoch[0] <= found.seconds_per_epoch[1] <= found.seconds_per_epoch[2]
