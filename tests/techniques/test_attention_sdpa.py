"""SDPA: nothing of the length's square is kept but a mask, where rows differ in length."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.slots import Slot
from planner.techniques.attention_eager import AttentionEager
from planner.techniques.attention_sdpa import AttentionSdpa
from tests.planner.test_estimate import plan
from tests.small_run import choose
from tests.techniques.by_hand import load, size, tokens, twin_of

ROWS, STEP = 2, 128


def second_difference(weights: str, *, padded: bool) -> int:
    """Twice the factor of the square in what the last block keeps."""
    chosen = plan(choose(Slot.ATTENTION, "sdpa"), choose(Slot.WEIGHTS, weights))
    short, middle, long = (size(chosen, "Kept by the last block", ROWS, n * STEP, padded=padded) for n in (1, 2, 3))
    assert short > 0
    return long - 2 * middle + short


def test_rows_of_one_length_keep_bytes_in_proportion_to_it() -> None:
    assert second_difference("bf16", padded=False) == 0
    chosen = plan(choose(Slot.ATTENTION, "sdpa"))
    once, twice = (size(chosen, "Kept by the last block", ROWS, n * STEP) for n in (1, 2))
    assert twice == 2 * once


@pytest.mark.parametrize(("weights", "bytes_each"), [("bf16", 2), ("fp32", 4)])
def test_padded_rows_keep_one_mask_a_block_for_all_heads(weights: str, bytes_each: int) -> None:
    assert second_difference(weights, padded=True) == 2 * bytes_each * ROWS * STEP**2


def test_a_loaded_model_asks_torch_and_answers_as_the_written_formula(tiny_model_dir: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    tiled, written = (
        load(tiny_model_dir, dtype=torch.float32, **twin_of(t).load_kwargs(t.Options()))
        for t in (AttentionSdpa(), AttentionEager())
    )
    assert tiled.config._attn_implementation == "sdpa"
    with torch.no_grad():
        torch.testing.assert_close(tiled(input_ids=tokens()).logits, written(input_ids=tokens()).logits)
