"""What adapters are made of, beside the counts that people published, and what holds for all of them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from benchmarks.truth import adapter_of, draft_of, optimizer_of
from benchmarks.truth.rows import Published, read_file
from planner.adapters.adapted import adapted
from planner.adapters.lora import Lora
from planner.adapters.trained_parts import from_layer
from planner.autograd.amount import Extent, measure
from planner.autograd.block import blocks_of
from planner.draft import Draft, Stack
from planner.facts.data import BatchShape
from planner.facts.model.catalogue import find
from planner.facts.model.families import stacks_of
from planner.ledger import DEVICE, Kind
from planner.schedule import Schedule
from planner.techniques.attention_sdpa import attend
from planner.training.step_lines import fine_tune_lines
from tests.planner.adapters.adapter_count import FACTS, stack

ROWS = Path(__file__).parents[3].parent / "shared/data/measured/rows_dev.jsonl"
QV = ("q_proj", "v_proj")
GIB = 2**30


@lru_cache(maxsize=1)
def published() -> tuple[Published, ...]:
    if not ROWS.exists():
        pytest.skip("needs the published rows beside the project (../shared)")
    rows = read_file(ROWS).rows
    return tuple(
        x for x in rows if x.row.trainable not in ("none", "full") and x.row.trainable_params and x.row.model_key
    )


def test_every_published_count_of_trained_elements_is_met_exactly() -> None:
    wrong, seen = [], 0
    for one in published():
        assert one.row.model_key is not None
        stacks = stacks_of(find(one.row.model_key))
        if not stacks:
            continue
        made = adapter_of.adapted(one.row, stacks)
        # LoRA-FA's count was read before a context of PEFT's let A want gradients again
        frozen = "lora_A" if one.row.trainable_options and one.row.trainable_options.variant == "lora_fa" else "-"
        trained = sum(x.elements for s in made for x in s.tensors if x.trained and not x.name.endswith(frozen))
        seen += 1
        if trained != one.row.trainable_params:
            wrong.append((one.label.id, trained, one.row.trainable_params))
    assert not wrong
    assert seen > 200


def test_what_is_allocated_after_a_step_is_weights_adapters_gradients_and_states() -> None:
    """Whatever the kind of adapter, the rest is the same: what the loop holds of an average batch."""
    rest = []
    for one in published():
        after = one.measured.more_metrics and one.measured.more_metrics.after_step_allocated_mean_bytes
        # prompts lengthen what the loop holds; the rows take PEFT's adaption prompt to be float32, which it is not
        others = one.row.trainable in ("prompt", "ptuning", "prefix", "adaption_prompt")
        if not after or others or one.row.optimizer is None or one.row.optimizer.name != "adamw":
            continue
        assert one.row.model_key is not None
        draft = draft_of.drafted(one.row, find(one.row.model_key))
        lines = (*fine_tune_lines(draft), *optimizer_of.lines(one.row, draft))
        kinds = (Kind.WEIGHTS, Kind.ADAPTER, Kind.GRADIENTS, Kind.STATES)
        static = sum(
            int(x.bytes)
            for x in lines
            if x.place is DEVICE
            and x.kind in kinds
            and any(a.phase == "step 2+" and a.moment == "update" for a in x.alive)
        )
        rest.append((after - static, after))
    assert len(rest) > 30
    middle = sorted(rest)[len(rest) // 2][0]
    assert all(abs(x - middle) < 0.004 * after for x, after in rest)
    assert sum(abs(x - middle) < 0.01 * GIB for x, _ in rest) >= 0.95 * len(rest)


def test_a_stack_is_adapted_once() -> None:
    assert adapted(stack(), Lora(8, 32), QV) is adapted(stack(), Lora(8, 32), QV)


def test_a_target_that_a_stack_lacks_is_passed_over() -> None:
    assert adapted(stack(), Lora(8, 32), (*QV, "qkv_proj")).tensors == adapted(stack(), Lora(8, 32), QV).tensors


def test_the_head_is_a_matmul_like_others() -> None:
    made = adapted(stack(), Lora(8, 32), ("lm_head",))
    assert [site.weight for site in made.sites if site.adapter] == ["lm_head"]
    assert sum(x.elements for x in made.tensors if x.trained) == 8 * (FACTS.hidden_size + FACTS.vocab_size)


def _kept(*stacks: Stack) -> int:
    draft = Draft(FACTS, Schedule(), BatchShape(2, 64, False), "cpu", 0, stacks, 16, attend)
    blocks = blocks_of(draft)
    return int(measure(blocks.others_kept, Extent(64, 128, 128 * 64)))


def test_layers_before_the_first_trained_one_keep_nothing() -> None:
    first, others = from_layer(stack(), 1)
    everywhere = _kept(adapted(stack(), Lora(8, 32), QV))
    later = _kept(first, adapted(others, Lora(8, 32), QV))
    assert 0 < later < everywhere / 1.5
    assert sum(x.bytes for x in (*first.tensors, *others.tensors)) == sum(x.bytes for x in stack().tensors)


@pytest.mark.parametrize("rank", [1, 8, 64])
def test_more_rank_never_keeps_less(rank: int) -> None:
    assert _kept(adapted(stack(), Lora(rank, 32), QV)) < _kept(adapted(stack(), Lora(2 * rank, 32), QV))


def test_an_adapter_in_the_models_type_keeps_no_wider_copies_of_what_it_reads() -> None:
    narrow, wide = (_kept(adapted(stack(), Lora(8, bits), QV)) for bits in (16, 32))
    assert wide - narrow > 2 * 2 * 128 * FACTS.hidden_size  # a float32 copy for each of two targets
