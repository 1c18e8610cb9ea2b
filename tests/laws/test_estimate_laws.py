"""Laws of the estimate that hold for any model shape, batch and combination of techniques."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.drafting import draft, plan_problems
from planner.estimate import Estimate, Verdict, estimate, estimate_grid
from planner.facts.data import BatchShape, DataFacts
from planner.facts.machine import Device, MachineFacts
from planner.facts.model.facts import ModelFacts
from planner.ledger import DISK, At, Kind
from planner.options import from_mapping, to_mapping
from planner.plan import Choice, Plan, Stage
from planner.problem import Problem
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques import registry
from planner.units import GIB
from tests.plan_strategies import plans as any_plans
from tests.plan_strategies import records

LAWS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def models(draw: st.DrawFn) -> ModelFacts:
    """A decoder of any small shape; sizes need not look like anybody's model."""
    kv_heads = draw(st.integers(1, 4))
    heads = kv_heads * draw(st.integers(1, 4))
    head = 2 * draw(st.integers(1, 64))
    return ModelFacts(
        "m", "catalogue", "LlamaForCausalLM", "dense_gated_decoder",
        vocab_size=draw(st.integers(2, 300_000)), hidden_size=draw(st.integers(1, 4096)),
        intermediate_size=draw(st.integers(1, 8192)), n_layers=draw(st.integers(1, 80)), n_heads=heads,
        n_kv_heads=kv_heads, head_dim=head, tied_head=draw(st.booleans()), attention_bias=draw(st.booleans()),
        output_bias=draw(st.booleans()), mlp_bias=draw(st.booleans()), qk_norm=draw(st.booleans()),
        stored_dtype=draw(st.sampled_from(["bfloat16", "float32"])), sliding_window=draw(st.sampled_from([0, 0, 64])),
    )  # fmt: skip


MACHINE = MachineFacts(
    "m", "Linux", "cpu", 8, 64 * GIB, 60 * GIB, 0, 1000 * GIB,
    (Device("cpu", "cpu", "cpu", 64 * GIB, 60 * GIB), Device("cuda:0", "cuda", "card", 80 * GIB, 79 * GIB)),
)  # fmt: skip
DEVICES = ("cpu", "cuda:0")


def options_of(technique: Any) -> st.SearchStrategy[Any]:
    """Any options in bounds; a device and targets that exist, each target once."""
    overrides = {
        "device": st.sampled_from(DEVICES),
        "target_modules": st.lists(
            st.sampled_from(["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]),
            min_size=1,
            unique=True,
        ).map(tuple)
        | st.just(("all-linear",)),
    }
    fields = set(technique.Options.__dataclass_fields__)
    chosen = {name: value for name, value in overrides.items() if name in fields}
    return records(technique.Options).flatmap(
        lambda options: st.fixed_dictionaries(chosen).map(lambda values: replace(options, **values))
    )


def stages() -> st.SearchStrategy[Stage]:
    answers = [
        st.sampled_from(registry.of_slot(slot)).flatmap(
            lambda t: st.builds(Choice, st.just(t.slot), st.just(t.name), options_of(t))
        )
        for slot in registry.slots()
    ]
    schedule = st.builds(
        Schedule, micro_batch=st.integers(1, 64), max_length=st.integers(8, 4096), grad_accumulation=st.integers(1, 4)
    )
    return st.builds(Stage, st.tuples(*answers), schedule).map(_that_can_train)


def _that_can_train(stage: Stage) -> Stage:
    """Weights that are codes want an adapter beside them."""
    weights, trained = stage.choice(Slot.WEIGHTS), stage.choice(Slot.TRAINABLE)
    assert weights is not None
    assert trained is not None
    if not hasattr(weights.options, "packing") or hasattr(trained.options, "rank"):
        return stage
    return stage.with_choice(registry.default_choice(Slot.WEIGHTS))


def plans() -> st.SearchStrategy[Plan]:
    data = DataFacts("d", "", "messages", 100, 0, "")
    return st.builds(lambda m, s: Plan("p", m, data, MACHINE, (s,)), models(), stages())


def totals_of(plan: Plan, batch: BatchShape) -> dict[tuple[str, At], Any]:
    """Bytes by tier and instant."""
    totals: dict[tuple[str, At], Any] = {}
    for line in draft(plan, 0, batch).lines:
        for at in line.alive:
            key = line.place.tier, at
            totals[key] = totals.get(key, 0) + line.bytes
    return totals


@LAWS
@given(plans(), st.integers(1, 32), st.integers(8, 2048), st.integers(0, 8), st.integers(0, 512), st.booleans())
def test_no_moment_falls_when_rows_or_length_grow(
    plan: Plan, rows: int, seq: int, more_rows: int, more_seq: int, padded: bool
) -> None:
    small = totals_of(plan, BatchShape(rows, seq, padded))
    large = totals_of(plan, BatchShape(rows + more_rows, seq + more_seq, padded))
    assert small.keys() == large.keys()
    assert all(small[key] <= large[key] for key in small)


@LAWS
@given(plans())
def test_gradient_checkpointing_never_keeps_more(plan: Plan) -> None:
    def kept(name: str) -> int:
        chosen = plan.with_choice(registry.default_choice(Slot.ACTIVATION, name))
        lines = draft(chosen, 0, BatchShape(4, 128)).lines
        return sum(x.bytes for x in lines if x.what in ("Kept for backward", "Kept by the last block"))

    assert kept("checkpointing") <= kept("keep_all")


@LAWS
@given(plans())
def test_bfloat16_never_needs_more_than_float32(plan: Plan) -> None:
    batch = BatchShape(2, 64)
    small = totals_of(plan.with_choice(registry.default_choice(Slot.WEIGHTS, "bf16")), batch)
    large = totals_of(plan.with_choice(registry.default_choice(Slot.WEIGHTS, "fp32")), batch)
    assert all(n <= large[key] for key, n in small.items() if key[1].moment in ("weights", "update", "write"))


@LAWS
@given(
    plans(),
    st.lists(st.integers(1, 64), min_size=1, max_size=4),
    st.lists(st.integers(8, 5000), min_size=1, max_size=4),
)
def test_a_grid_equals_its_estimates_one_by_one(plan: Plan, rows: list[int], seqs: list[int]) -> None:
    window = plan.model.sliding_window
    if window:  # on a grid a mask is there for all or for none
        seqs = [s for s in seqs if s > window] or [window + 1]
    grid = estimate_grid(plan, np.array(rows, dtype=np.int64)[:, None], np.array(seqs, dtype=np.int64)[None, :])
    for tier, peaks in grid.items():
        peaks = np.broadcast_to(peaks, (len(rows), len(seqs)))
        for (i, r), (j, s) in itertools.product(enumerate(rows), enumerate(seqs)):
            assert int(peaks[i, j]) == int(estimate_grid(plan, r, s)[tier]), (tier, r, s)


@LAWS
@given(plans())
def test_one_point_of_the_grid_is_the_estimate(plan: Plan) -> None:
    made = estimate(plan)
    batch_rows = min(plan.stage.schedule.micro_batch, plan.data.rows)
    point = estimate_grid(plan, batch_rows, plan.stage.schedule.max_length)
    assert {t.place.tier: t.peak_bytes for t in made.tiers} == point


@LAWS
@given(plans())
def test_every_line_is_whole_bytes_that_live_somewhere(plan: Plan) -> None:
    made = estimate(plan)
    assert made.verdict is not Verdict.CANNOT_TELL
    for line in made.lines:
        assert type(line.bytes) is int
        assert line.bytes >= 0
        assert line.alive
        assert line.alive <= set(made.timeline)
        assert str(line.why)
        assert "{" not in str(line.why)
    for tier in made.tiers:
        for at, total in tier.totals:
            assert total == sum(x.bytes for x in made.at(tier.place, at))
        assert tier.low_bytes <= tier.peak_bytes <= tier.high_bytes
        assert tier.live_bytes == max(n for _, n in tier.totals)


@LAWS
@given(plans())
def test_weights_gradients_and_states_agree_with_the_parameters(plan: Plan) -> None:
    """At the update each trained element has one gradient and two states, whatever else is chosen."""
    lines = draft(plan, 0, BatchShape(1, 8)).lines

    def size(kind: Kind, moment: str) -> int:
        at = At(0, "step 2+", moment)
        return sum(x.bytes for x in lines if x.kind is kind and at in x.alive and x.place != DISK)

    steps = size(Kind.STATES, "update") - 2 * size(Kind.GRADIENTS, "update")
    assert 0 < steps < 4 * 20 * (plan.model.n_layers + 1)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(any_plans())
def test_any_plan_at_all_gets_a_verdict(plan: Plan) -> None:
    made = estimate(plan)
    assert isinstance(made, Estimate)
    assert made.reason
    if made.problems:
        assert made.verdict is Verdict.CANNOT_TELL
        assert all(isinstance(p, Problem) and p.fact and p.advice for p in made.problems)


@LAWS
@given(plans(), records(ModelFacts))
def test_a_model_of_sizes_that_cannot_be_is_told_or_estimated(plan: Plan, model: ModelFacts) -> None:
    """Zeros, and heads that do not divide: whoever reads a folder refuses them, a plan file may still hold them."""
    made = estimate(replace(plan, model=replace(model, family="dense_gated_decoder")))
    assert made.reason


@LAWS
@given(st.sampled_from(registry.TECHNIQUES).flatmap(lambda t: st.tuples(st.just(t), records(t.Options))))
def test_options_survive_json(pair: tuple[Any, Any]) -> None:
    technique, options = pair
    assert from_mapping(technique.Options, to_mapping(options), technique.name) == options


PAIRS = [(a, b) for a, b in itertools.combinations(registry.TECHNIQUES, 2) if a.slot is not b.slot]


def test_every_pair_of_techniques_is_estimated_or_refused() -> None:
    model = ModelFacts("m", "catalogue", "LlamaForCausalLM", "dense_gated_decoder", 1000, 64, 160, 2, 4, 2, 16, True)
    stage = Stage(tuple(registry.default_choice(slot) for slot in registry.slots()))
    for pair in PAIRS:
        chosen = stage
        for technique in pair:
            chosen = chosen.with_choice(registry.default_choice(technique.slot, technique.name))
        plan = Plan("p", model, DataFacts("d", "", "messages", 10, 0, ""), MACHINE, (chosen,))
        made = estimate(plan)
        assert made.problems == plan_problems(plan)
        assert made.problems or (made.lines and made.verdict is not Verdict.CANNOT_TELL), [t.name for t in pair]
