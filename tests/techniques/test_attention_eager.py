"""Eager attention: what it keeps grows with the square of the length, by so many bytes for each head and pair."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.drafting import draft
from planner.slots import Slot
from planner.techniques.attention_eager import AttentionEager
from tests.planner.test_estimate import plan
from tests.small_run import choose
from tests.techniques.by_hand import load, size, tokens, twin_of

HEADS, ROWS, STEP = 9, 2, 128  # of the model that `plan` plans with


@pytest.mark.parametrize(("weights", "of_a_pair"), [("bf16", 4 + 2), ("fp32", 4)])
def test_each_block_keeps_the_float32_softmax_and_its_copy_in_the_narrower_type(weights: str, of_a_pair: int) -> None:
    """The second difference of a parabola is twice its square's factor; in float32 no copy is needed."""
    eager = plan(choose(Slot.ATTENTION, "eager"), choose(Slot.WEIGHTS, weights))
    short, middle, long = (size(eager, "Kept by the last block", ROWS, n * STEP) for n in (1, 2, 3))
    assert long - 2 * middle + short == 2 * of_a_pair * HEADS * ROWS * STEP**2


def test_the_sentence_names_the_bytes_of_a_pair() -> None:
    (kept,) = [x for x in draft(plan(choose(Slot.ATTENTION, "eager"))).lines if x.what == "Kept for backward"]
    assert f"{6 * HEADS} bytes for each pair of tokens" in str(kept.why)


def test_a_loaded_model_makes_the_scores(tiny_model_dir: Path) -> None:
    pytest.importorskip("torch", reason="needs the [train] extra")
    model = load(tiny_model_dir, **twin_of(AttentionEager()).load_kwargs(AttentionEager.Options()))
    assert model.config._attn_implementation == "eager"
    scores = model(input_ids=tokens(2, 24), output_attentions=True).attentions
    assert [tuple(s.shape) for s in scores] == [(2, model.config.num_attention_heads, 24, 24)] * 2
