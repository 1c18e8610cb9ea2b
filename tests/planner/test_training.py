"""Optimizers, ZeRO, loops and shares of several ranks: claims about what they keep, make and divide."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from planner.adapters.adapted import adapted as with_adapter
from planner.adapters.lora import Lora
from planner.draft import Draft, Loop, Stack, Tensor
from planner.facts.data import BatchShape
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families import stacks_of
from planner.ledger import DEVICE, HOST, Kind, Line
from planner.schedule import Schedule
from planner.techniques.attention_sdpa import attend
from planner.techniques.objective_fine_tune import fine_tune_lines
from planner.training.loss_lines import loss_lines
from planner.training.losses import LogitsInPieces
from planner.training.one_block import one_block_of
from planner.training.optimizers import Optimizer, optimizer_lines
from planner.training.sharding import Shares, per_rank
from planner.training.zero import zero_lines
from planner.weights.packing import FourBits

FACTS = ModelFacts("t", "catalogue", "LlamaForCausalLM", "dense_gated_decoder", 4096, 256, 512, 8, 4, 2, 64, False)
TRAINED = tuple(
    replace(s, tensors=tuple(replace(x, bits=16, trained=x.role != "buffer") for x in s.tensors))
    for s in stacks_of(FACTS)
)
ELEMENTS = sum(x.elements for x in TRAINED[0].tensors if x.trained)


def draft(stacks: tuple[Stack, ...] = TRAINED, recompute: bool = False, loop: Loop | None = None) -> Draft:
    return Draft(
        FACTS,
        Schedule(),
        BatchShape(2, 128, False),
        "cuda",
        0,
        stacks,
        compute_bits=16,
        attend=attend,
        recompute=recompute,
        loop=loop or Loop(),
    )


def of_kind(lines: tuple[Line, ...], kind: Kind, *places: object) -> int:
    return sum(x.bytes for x in lines if x.kind is kind and (not places or x.place in places))


@pytest.mark.parametrize("shape", [(128, 64), (100,), (64, 64)])
def test_states_in_8_bits_have_the_bytes_of_bitsandbytes(shape: tuple[int, ...]) -> None:
    bitsandbytes = pytest.importorskip("bitsandbytes")
    parameter = torch.nn.Parameter(torch.randn(*shape))
    optimizer = bitsandbytes.optim.AdamW8bit([parameter])
    parameter.sum().backward()
    optimizer.step()
    kept = optimizer.state[parameter]
    real = sum(x.nbytes for name, x in kept.items() if torch.is_tensor(x) and not name.startswith("qmap"))
    assert Optimizer(state_bits=8).state_bytes(Tensor("w", "linear", shape, 1, 32, True)) == real


def test_states_that_the_driver_moves_are_not_on_the_device() -> None:
    paged = optimizer_lines(draft(), Optimizer(state_bits=32, implementation="bitsandbytes", paged=True))
    assert of_kind(paged, Kind.STATES, DEVICE) == 0
    assert of_kind(paged, Kind.STATES, HOST) >= 8 * ELEMENTS


def test_a_master_copy_costs_four_bytes_an_element() -> None:
    plain, master = (optimizer_lines(draft(), Optimizer(state_bits=32, master_bits=bits)) for bits in (0, 32))
    assert of_kind(master, Kind.STATES) - of_kind(plain, Kind.STATES) == 4 * ELEMENTS


def test_projected_gradients_need_smaller_states() -> None:
    full, projected = (of_kind(optimizer_lines(draft(), Optimizer(rank=rank)), Kind.STATES) for rank in (0, 64))
    assert projected < full


def test_an_update_in_backward_leaves_no_gradients() -> None:
    stay, taken = (fine_tune_lines(draft(loop=Loop(takes_gradients=t))) for t in (False, True))
    at_the_update = [x for x in stay if x.kind is Kind.GRADIENTS and x.what == "Gradients"]
    assert sum(x.bytes for x in at_the_update) == 2 * ELEMENTS
    assert not [x for x in taken if x.what in ("Gradients", "Gradients so far")]


def test_zero_divides_states_by_the_ranks_and_then_gradients_too() -> None:
    adam = Optimizer(state_bits=32, implementation="deepspeed", master_bits=32)
    alone, shared = (zero_lines(draft(), 2, ranks, adam) for ranks in (1, 4))
    assert of_kind(alone, Kind.STATES) == 12 * ELEMENTS
    assert of_kind(shared, Kind.STATES) == pytest.approx(of_kind(alone, Kind.STATES) / 4, rel=1e-3)
    assert of_kind(zero_lines(draft(), 3, 4, adam), Kind.GRADIENTS) < of_kind(
        zero_lines(draft(), 3, 1, adam), Kind.GRADIENTS
    )


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


def test_a_rank_holds_its_share_and_what_it_gathers() -> None:
    lines = fine_tune_lines(draft())
    two, eight = (per_rank(draft(), lines, Shares("fsdp_full", n)) for n in (2, 8))
    stored = [sum(x.bytes for x in found if x.what == "Weights") for found in (lines, two, eight)]
    assert stored[1] == pytest.approx(stored[0] / 2, rel=1e-3)
    assert stored[2] == pytest.approx(stored[0] / 8, rel=1e-3)
    assert any(x.what == "Gathered parameters" for x in eight)
    assert per_rank(draft(), lines, Shares("none", 1)) == lines


def test_ranks_that_only_share_gradients_hold_them_twice() -> None:
    lines = fine_tune_lines(draft())
    more = of_kind(per_rank(draft(), lines, Shares("ddp", 2)), Kind.GRADIENTS) - of_kind(lines, Kind.GRADIENTS)
    assert more == 2 * ELEMENTS


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
