"""Full fine-tuning: every stored element is trained and nothing is hung beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner.drafting import draft
from planner.facts.model.folder import read_folder
from planner.slots import Slot
from planner.stored import stored
from planner.techniques.trainable_full import TrainableFull
from tests.planner.test_estimate import MODEL, plan
from tests.small_run import choose
from tests.techniques.by_hand import load, size

FULL = choose(Slot.TRAINABLE, "full")


@pytest.mark.parametrize("tied", [True, False])
def test_every_stored_element_is_trained_and_no_buffer_is(tied: bool) -> None:
    (stack,) = draft(replace(plan(FULL), model=replace(MODEL, tied_head=tied))).stacks
    assert [t.trained for t in stack.tensors] == [t.role != "buffer" for t in stack.tensors]
    sums = stored(stack)
    assert sums.trained_elements == sums.weight_elements
    # a buffer is stored and not trained
    assert sums.trained_bytes == sums.weight_bytes - sum(t.bytes for t in stack.tensors if t.role == "buffer")


def test_there_is_no_adapter_and_the_worker_has_nothing_to_do() -> None:
    assert size(plan(), "Adapter") > 0
    assert size(plan(FULL), "Adapter") == 0
    assert TrainableFull.twin == ""
    assert TrainableFull().script(TrainableFull.Options(), plan(FULL)).wrap == ()


def test_a_model_as_loaded_trains_as_many_elements_as_planned(tiny_model_dir: Path) -> None:
    pytest.importorskip("torch", reason="needs the [train] extra")
    planned = stored(draft(replace(plan(FULL), model=read_folder(tiny_model_dir))).stacks[0])
    parameters = list(load(tiny_model_dir).parameters())
    assert all(p.requires_grad for p in parameters)
    assert (planned.trained_elements, planned.trained_tensors) == (sum(p.numel() for p in parameters), len(parameters))
