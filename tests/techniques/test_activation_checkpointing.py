"""Gradient checkpointing: a block keeps its input and no more, runs twice, and gives the same gradients."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.slots import Slot
from planner.techniques.activation_checkpointing import ActivationCheckpointing
from planner.techniques.activation_keep_all import ActivationKeepAll
from tests.planner.test_estimate import MODEL, plan
from tests.small_run import choose
from tests.techniques.by_hand import load, size, trained_steps

ROWS, SEQ = 2, 128


@pytest.mark.parametrize(("weights", "bytes_each"), [("bf16", 2), ("fp32", 4)])
@pytest.mark.parametrize("trainable", ["lora", "full"])
def test_a_block_keeps_its_input_and_no_more(weights: str, bytes_each: int, trainable: str) -> None:
    chosen = plan(
        choose(Slot.ACTIVATION, "checkpointing"), choose(Slot.WEIGHTS, weights), choose(Slot.TRAINABLE, trainable)
    )
    block_input = bytes_each * MODEL.hidden_size * ROWS * SEQ
    assert size(chosen, "Kept by the last block", ROWS, SEQ) == block_input
    assert size(chosen, "Kept for backward", ROWS, SEQ) == (MODEL.n_layers - 1) * block_input


def test_the_trainer_is_told_to_do_it_non_reentrant() -> None:
    arguments = dict(ActivationCheckpointing().script(ActivationCheckpointing.Options(), plan()).arguments)
    assert arguments == {"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"use_reentrant": False}}


def test_each_block_runs_twice_and_no_gradient_changes(tiny_model_dir: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    remade, kept = (
        trained_steps(load(tiny_model_dir), dict(t.script(t.Options(), plan()).arguments))
        for t in (ActivationCheckpointing(), ActivationKeepAll())
    )
    assert remade[2] == [2, 2]
    assert remade[0] == kept[0]
    assert all(torch.equal(a, b) for a, b in zip(remade[1], kept[1], strict=True))
