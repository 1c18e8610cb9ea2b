"""The loss on full logits: twelve bytes an entry and token at its fullest, and transformers' own number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planner.slots import Slot
from planner.techniques.loss_full_logits import LossFullLogits
from tests.planner.test_estimate import MODEL, plan
from tests.small_run import choose
from tests.techniques.by_hand import load, size, tokens, twin_of


def test_each_further_token_costs_twelve_bytes_for_each_entry_of_the_vocabulary() -> None:
    """And a little of the hidden width beside them: at most five float32 of it."""
    full = plan(choose(Slot.LOSS, "full_logits"))
    more = size(full, "Logits and loss", 8, 1024) - size(full, "Logits and loss", 4, 1024)
    of_logits = 12 * MODEL.vocab_size * 4 * 1024
    assert of_logits <= more < of_logits + 5 * 4 * MODEL.hidden_size * 4 * 1024


@pytest.mark.parametrize("trainable", ["full", "lora"])
def test_only_a_trained_tied_embedding_has_its_two_gradients_summed(trainable: str) -> None:
    chosen = plan(choose(Slot.LOSS, "full_logits"), choose(Slot.TRAINABLE, trainable))
    flow = 2 * MODEL.hidden_size * 2 * 128  # the gradient that reached the embedding, gone by then
    expected = 2 * MODEL.vocab_size * MODEL.hidden_size - flow if trainable == "full" else 0
    assert size(chosen, "Sum of the tied embedding's gradients", 2, 128) == expected


def batch() -> dict[str, Any]:
    """Two rows, the second with labels that do not count."""
    labels = tokens()
    labels[1, 15:] = -100
    return {"input_ids": tokens(), "labels": labels}


def test_its_loss_is_transformers_own_and_the_mean_over_labels_that_count(tiny_model_dir: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    mixin = twin_of(LossFullLogits()).trainer_mixin(LossFullLogits.Options())
    model = load(tiny_model_dir, dtype=torch.float32)
    logits = model(input_ids=tokens()).logits[:, :-1].flatten(0, 1)
    labels = batch()["labels"][:, 1:].flatten()
    counted = int((labels != -100).sum())
    by_hand = torch.nn.functional.cross_entropy(logits, labels, ignore_index=-100)
    loss = mixin().compute_loss(model, batch())
    assert torch.equal(loss, model(**batch()).loss)
    torch.testing.assert_close(loss, by_hand)
    # one of two micro-batches of a step: its sum over the labels of both
    of_step = mixin().compute_loss(model, batch(), num_items_in_batch=torch.tensor(2 * counted))
    torch.testing.assert_close(of_step, by_hand / 2)


def test_logits_leave_only_when_asked_for(tiny_model_dir: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    mixin = twin_of(LossFullLogits()).trainer_mixin(LossFullLogits.Options())
    model = load(tiny_model_dir)
    assert torch.is_tensor(mixin().compute_loss(model, batch()))
    loss, outputs = mixin().compute_loss(model, batch(), return_outputs=True)
    assert torch.equal(loss, outputs.loss)
    assert outputs.past_key_values is None
