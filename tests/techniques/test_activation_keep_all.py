"""Keeping everything: each block keeps its whole inside, all alike, and runs once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner.slots import Slot
from planner.techniques.activation_keep_all import ActivationKeepAll
from tests.planner.test_estimate import MODEL, plan
from tests.small_run import choose
from tests.techniques.by_hand import load, size, trained_steps

KEEP_ALL = choose(Slot.ACTIVATION, "keep_all")


@pytest.mark.parametrize("trainable", ["lora", "full"])
def test_one_more_block_keeps_as_much_again_as_the_last(trainable: str) -> None:
    def kept(n_layers: int, what: str) -> int:
        chosen = plan(KEEP_ALL, choose(Slot.TRAINABLE, trainable))
        return size(replace(chosen, model=replace(MODEL, n_layers=n_layers)), what)

    assert kept(5, "Kept for backward") - kept(4, "Kept for backward") == kept(4, "Kept by the last block")


def test_a_block_keeps_far_more_than_its_input() -> None:
    """At least the reads of its matmuls and of their adapters: four of the hidden width and three of the middle."""
    reads = 2 * (4 * MODEL.hidden_size + 3 * MODEL.intermediate_size) * 2 * 128
    assert size(plan(KEEP_ALL, choose(Slot.TRAINABLE, "full")), "Kept by the last block") > reads


def test_each_block_runs_once(tiny_model_dir: Path) -> None:
    pytest.importorskip("torch", reason="needs the [train] extra")
    arguments = dict(ActivationKeepAll().script(ActivationKeepAll.Options(), plan()).arguments)
    assert arguments == {"gradient_checkpointing": False}
    assert trained_steps(load(tiny_model_dir), arguments)[2] == [1, 1]
