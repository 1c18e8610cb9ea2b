"""Loops: what an update in backward, offloading, compiling, one active block and a loss that is still named change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.adapters.adapted import adapted as with_adapter
from planner.adapters.lora import Lora
from planner.draft import Loop
from planner.ledger import DEVICE, HOST, Kind
from planner.training.loss_lines import loss_lines
from planner.training.losses import LogitsInPieces
from planner.training.one_block import one_block_of
from planner.training.step_lines import fine_tune_lines
from planner.weights.packing import FourBits
from tests.planner.training.small import ELEMENTS, TRAINED, draft, of_kind


def test_an_update_in_backward_leaves_no_gradients() -> None:
    stay, taken = (fine_tune_lines(draft(loop=Loop(takes_gradients=t))) for t in (False, True))
    at_the_update = [x for x in stay if x.kind is Kind.GRADIENTS and x.what == "Gradients"]
    assert sum(x.bytes for x in at_the_update) == 2 * ELEMENTS
    assert not [x for x in taken if x.what in ("Gradients", "Gradients so far")]


def test_checkpoints_that_are_offloaded_lie_on_the_host() -> None:
    here, away = (fine_tune_lines(draft(recompute=True, loop=Loop(offloaded=o))) for o in (False, True))
    assert of_kind(away, Kind.ACTIVATIONS, DEVICE) < of_kind(here, Kind.ACTIVATIONS, DEVICE)
    assert of_kind(away, Kind.ACTIVATIONS, HOST) == 7 * 2 * 128 * 256 * 2 - 2 * 128 * 256 * 2


def test_compiled_blocks_keep_less() -> None:
    plain, compiled = (fine_tune_lines(draft(loop=Loop(compiled=c))) for c in (False, True))
    kept = [sum(x.bytes for x in lines if x.what == "Kept for backward") for lines in (plain, compiled)]
    a_layer = 16 * 256 + 8 * 4 * 64 + 4 * 4 + 8 * 512 + 8, 8 * 256 + 6 * 4 * 64 + 4 * 4 + 6 * 512 + 8
    assert kept[1] / kept[0] == pytest.approx(a_layer[1] / a_layer[0], rel=0.15)


def test_one_active_block_trains_its_share_and_keeps_every_weight() -> None:
    parted = one_block_of(TRAINED, total_blocks=8)
    assert sum(s.layers for s in parted) == 8
    assert sum(x.elements for s in parted for x in s.tensors) == sum(x.elements for x in TRAINED[0].tensors)
    of_blocks = sum(x.elements for x in TRAINED[0].tensors if x.role in ("linear", "norm"))
    assert sum(x.elements for s in parted for x in s.tensors if x.trained) == of_blocks // 8


def packed(loop: Loop) -> int:
    stacks = tuple(
        replace(
            s,
            tensors=tuple(
                replace(x, trained=False, packing=FourBits() if x.role == "linear" else None) for x in s.tensors
            ),
        )
        for s in TRAINED
    )
    stacks = tuple(with_adapter(s, Lora(8, 16), ("q_proj", "v_proj")) for s in stacks)
    lines = loss_lines(draft(stacks, loop=loop), LogitsInPieces(4, held=True), 64)
    return sum(
        x.bytes
        for x in lines
        if x.what == "Held from the step before" and any(at.moment == "forward_end" for at in x.alive)
    )


def test_a_loop_that_names_its_last_loss_holds_what_packed_matmuls_read() -> None:
    h, m, tokens, layers = 256, 512, 2 * 128, 8
    # q, k and v read one value, gate and up another, o and down one each; the first block's first norm wants no gradient
    everything = packed(Loop(keeps_graph=True))
    assert layers * tokens * 2 * (3 * h + m) - tokens * 2 * h <= everything <= layers * tokens * 2 * (3 * h + m)
    assert packed(Loop(keeps_graph=True, rare_length=True)) == everything // 2
    assert packed(Loop()) == 0
