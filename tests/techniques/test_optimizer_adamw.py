"""AdamW: two states a trained element and a step count a tensor, and the implementation that was chosen, no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner.drafting import draft
from planner.facts.model.folder import read_folder
from planner.slots import Slot
from planner.stored import stored
from planner.techniques.optimizer_adamw import AdamwOptions, OptimizerAdamw
from tests.planner.test_estimate import plan
from tests.small_run import choose
from tests.techniques.by_hand import load, size, tokens, twin_of

IMPLEMENTATIONS = ("fused", "foreach", "for_loop")
FULL = choose(Slot.TRAINABLE, "full")


@pytest.mark.parametrize("trainable", ["full", "lora"])
def test_states_are_two_a_trained_element_and_four_bytes_a_tensor(trainable: str) -> None:
    chosen = plan(choose(Slot.TRAINABLE, trainable))
    sums = stored(draft(chosen).stacks[0])
    each = {"full": 2, "lora": 4}[trainable]  # bytes: bfloat16 weights, a float32 adapter
    expected = 2 * each * sums.trained_elements + 4 * sums.trained_tensors
    assert size(chosen, "Optimizer states") == expected


def test_only_foreach_copies_all_that_is_trained() -> None:
    sums = stored(draft(plan(FULL)).stacks[0])
    work = {
        name: size(plan(FULL, choose(Slot.OPTIMIZER, "adamw", implementation=name)), "Update workspace")
        for name in IMPLEMENTATIONS
    }
    assert work["fused"] == 0
    assert work["foreach"] == sums.trained_bytes
    # the embedding is the largest tensor: its root and its denominator, before which nothing waits
    assert work["for_loop"] == 2 * sums.of_embedding < work["foreach"]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_its_options_reach_torchs_adamw(implementation: str) -> None:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    options = AdamwOptions(implementation, beta1=0.8, beta2=0.95, eps=1e-6)
    kind, keywords = twin_of(OptimizerAdamw()).optimizer(options)
    assert kind is torch.optim.AdamW
    assert {name for name in ("fused", "foreach") if keywords[name]} == {implementation} - {"for_loop"}
    assert (keywords["betas"], keywords["eps"]) == ((0.8, 0.95), 1e-6)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_one_update_of_a_model_leaves_as_many_bytes_of_states_as_planned(
    tiny_model_dir: Path, implementation: str
) -> None:
    pytest.importorskip("torch", reason="needs the [train] extra")
    model = load(tiny_model_dir)
    kind, keywords = twin_of(OptimizerAdamw()).optimizer(AdamwOptions(implementation))
    optimizer = kind(model.parameters(), lr=1e-3, **keywords)
    model(input_ids=tokens(), labels=tokens()).loss.backward()
    optimizer.step()
    counted = sum(x.nbytes for state in optimizer.state.values() for x in state.values())
    tiny = replace(plan(FULL), model=read_folder(tiny_model_dir))
    assert size(tiny, "Optimizer states") == counted
