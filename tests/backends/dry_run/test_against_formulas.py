"""The closed form and the dry run of the same plan: two ways to the same bytes, which share no formula.

Sixty-five random plans over thirteen shapes. Where they differ by more than a hundredth, the cause is named in
`backends.dry_run.causes` and has a bound of its own here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

from backends.dry_run.causes import UNKNOWN, matters
from backends.dry_run.picture import dry_run
from planner.estimate import estimate
from planner.run.results import DryRun
from planner.slots import Slot
from planner.workspaces import CUBLAS_BYTES
from tests.backends.dry_run.random_plans import SHAPES, drawn_plan, plan_of, shape
from tests.small_run import choose

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False:UserWarning"),
]
PLANS = 65
BOUNDS = {"the kernel": 0.05, "For 32 bits": 0.01, "On a card TRL's loss": 0.03}
"""Of the live bytes of the peak, by how the sentence of the cause begins."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shapes")


def formula_totals(result: DryRun) -> dict[tuple[str, str], int]:
    totals: dict[tuple[str, str], int] = {}
    for x in result.differences:
        totals[x.phase, x.moment] = totals.get((x.phase, x.moment), 0) + x.formula_bytes
    return totals


def causes_at(result: DryRun, phase: str, moment: str) -> Iterator[str]:
    yield from (x.why for x in result.differences if x.why and (x.phase, x.moment) == (phase, moment))


@pytest.mark.parametrize("number", range(PLANS))
def test_the_closed_form_is_within_a_hundredth_of_the_dry_run_or_the_cause_is_named(folder: Path, number: int) -> None:
    plan = drawn_plan(number, folder)
    prediction = estimate(plan)
    assert not prediction.problems
    assert not prediction.untold
    result = dry_run(plan)
    assert not result.untraceable
    said, traced = formula_totals(result), {(x.phase, x.moment): x.bytes for x in result.moments}
    assert set(said) == set(traced)
    assert len(traced) == (14 if plan.stage.schedule.eval_fraction else 12)
    assert UNKNOWN not in {x.why for x in result.differences}, [x for x in result.differences if x.why == UNKNOWN]
    peak = max(traced.values())
    for at, size in traced.items():
        off = abs(said[at] - size)
        if matters(off, size):
            named = list(causes_at(result, *at))
            assert named, f"{at}: {said[at]:,} by formula, {size:,} traced"
            assert off <= (CUBLAS_BYTES if at[0] == "step 1" else 0) + size * _bound(named), (at, named)
    named = [x.why for x in result.differences if x.why]
    assert abs(max(said.values()) / peak - 1) <= (max(0.01, _bound(named)) if named else 0.01)
    assert result.live_bytes >= peak  # between the moments there may be one that is fuller


@pytest.mark.parametrize(("rows", "length", "trained"), [(1, 200, "full"), (2, 512, "full"), (2, 200, "lora")])
def test_float32_on_a_card_with_fewer_key_heads_makes_all_scores(
    folder: Path, rows: int, length: int, trained: str
) -> None:
    """No fused kernel takes it without a mask: every pair of tokens is there, and grows with the square of the length."""
    chosen = [
        choose(Slot.WEIGHTS, "fp32"), choose(Slot.ATTENTION, "sdpa"), choose(Slot.TRAINABLE, trained),
        choose(Slot.LOSS, "fused_tiles"), choose(Slot.PLACEMENT, "one_device", device="cuda:0"),
    ]  # fmt: skip
    plan = plan_of(shape("qwen 3", folder / "all scores"), *chosen, rows=rows, length=length)
    result = dry_run(plan)
    kept = [x for x in result.differences if x.what == "Kept for backward" and x.moment == "layer_last"]
    assert kept
    of_scores = 4 * plan.model.n_heads * rows * length**2
    for x in kept:
        assert x.formula_bytes > of_scores
        assert abs(x.formula_bytes - x.traced_bytes) <= x.traced_bytes // 100
    assert UNKNOWN not in {x.why for x in result.differences}


def _bound(named: list[str]) -> float:
    return max((b for x in named for begin, b in BOUNDS.items() if x.startswith(begin)), default=0.01)


def test_the_random_plans_are_of_many_kinds(folder: Path) -> None:
    plans = [drawn_plan(n, folder) for n in range(PLANS)]
    chosen = {(c.slot, c.technique) for p in plans for c in p.stage.choices}
    assert len({p.model.architecture for p in plans}) >= 8
    assert len(SHAPES) == 13
    for slot, names in {
        Slot.TRAINABLE: ("full", "lora"), Slot.ACTIVATION: ("keep_all", "checkpointing"),
        Slot.ATTENTION: ("sdpa", "eager"), Slot.LOSS: ("full_logits", "fused_tiles"), Slot.WEIGHTS: ("bf16", "fp32"),
    }.items():  # fmt: skip
        assert {(slot, name) for name in names} <= chosen
    placed = [p.stage.choice(Slot.PLACEMENT) for p in plans]
    assert {"cpu", "cuda:0"} == {c.options.device for c in placed if c}
    assert {1, 2} == {p.stage.schedule.grad_accumulation for p in plans}


def test_a_wrong_formula_is_found_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan of one attention against the steps of another."""
    from planner.techniques import attention_eager, attention_sdpa

    plan = plan_of(shape("llama", folder / "wrong"), choose(Slot.ATTENTION, "eager"), choose(Slot.TRAINABLE, "full"))
    monkeypatch.setattr(attention_eager.AttentionEager, "apply", attention_sdpa.AttentionSdpa.apply)
    result = dry_run(plan)
    assert UNKNOWN in {x.why for x in result.differences}
