"""Matmuls of unpacked and of cast matrices on the tape, beside real ones whose storages are counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

import torch

from planner.autograd.amount import per_token
from planner.autograd.matmul import of_copies, unpacked_and_kept, unpacked_each_time
from planner.autograd.tape import Tape, Value, Weight
from planner.weights.packing import FourBits
from tests.live_bytes import LiveBytes

TOKENS, D_IN, D_OUT = 48, 96, 160
Run = Callable[[Tape, Value], Value]


def on_tape(run: Run, x_bits: int, *, wants: bool = True) -> tuple[int, int, int]:
    """Bytes at the end of forward, at most in forward, at most in backward; x's own are left out."""
    t = Tape("cuda")
    t.enter("forward")
    x = t.input(per_token(D_IN), x_bits, wants)
    own = sized(tuple(t.live))
    y = run(t, x)
    kept = sized(tuple(t.live)) - own
    most = max(map(sized, t.fullest("forward"))) - own
    t.enter("backward")
    assert y.node is not None
    reached = t.backward(y.node, y.elements, y.bits)
    del reached
    return kept, most, max(map(sized, t.fullest("backward"))) - own


def sized(amount: tuple[int, ...]) -> int:
    return amount[0] + TOKENS * (amount[1] + amount[2])


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("wants", [False, True])
def test_under_autocast_the_copies_are_those_of_a_real_product(trained: bool, wants: bool) -> None:
    if not trained and not wants:
        pytest.skip("nothing to go back to")
    weight = torch.randn(D_OUT, D_IN, requires_grad=trained)
    x = torch.randn(TOKENS, D_IN, requires_grad=wants)
    with LiveBytes(x, weight) as live:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = torch.nn.functional.linear(x, weight)
        kept = live.now
        ones = torch.ones_like(y)
        live.most = live.now
        y.backward(ones)
    matrix = Weight(D_OUT * D_IN, 32, trained)
    planned, _, back = on_tape(lambda t, value: of_copies(t, value, matrix, D_OUT, 16), 32, wants=wants)
    assert planned == kept
    # the caller holds y's gradient to the end, the engine only while the product goes back
    assert back in (live.most, live.most - ones.nbytes)


def test_frozen_copies_cost_memory_only_where_a_gradient_goes_through() -> None:
    matrix = Weight(D_OUT * D_IN, 32, False)
    kept, _, _ = on_tape(lambda t, x: of_copies(t, x, matrix, D_OUT, 16), 32)
    assert kept == 2 * D_OUT * TOKENS + 2 * D_OUT * D_IN


@pytest.mark.parametrize("x_bits", [16, 32])
def test_four_bits_keep_nothing_but_their_result(x_bits: int) -> None:
    matrix = Weight(D_OUT * D_IN, 16, False)
    kept, most, back = on_tape(lambda t, x: FourBits().matmul(t, x, matrix, D_OUT, 16), x_bits)
    assert kept == x_bits // 8 * D_OUT * TOKENS
    assert most >= 2 * D_OUT * D_IN + 2 * D_OUT * TOKENS
    assert back >= 2 * D_OUT * D_IN + 2 * D_IN * TOKENS


def test_four_bits_go_back_as_in_bitsandbytes_where_it_is_installed() -> None:
    bnb = pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    module = bnb.nn.Linear4bit(D_IN, D_OUT, bias=False, compress_statistics=False, compute_dtype=torch.bfloat16)
    module = module.to(torch.bfloat16).to("cpu")
    module.weight.requires_grad_(False)
    x = torch.randn(TOKENS, D_IN, requires_grad=True)
    with LiveBytes(x, module.weight.data, module.weight.quant_state.absmax) as live:
        y = module(x)
        kept = live.now
        ones = torch.ones_like(y)
        live.most = live.now
        y.backward(ones)
    matrix = Weight(D_OUT * D_IN, 16, False)
    planned, _, back = on_tape(lambda t, value: FourBits().matmul(t, value, matrix, D_OUT, 16), 32)
    assert planned == kept
    assert back == live.most - ones.nbytes  # the engine's gradient, which the caller held here


def test_a_gptq_matrix_is_kept_unpacked_where_something_is_learnt_and_not_unpacked_else() -> None:
    matrix = Weight(D_OUT * D_IN, 16, False)
    kept, most, _ = on_tape(lambda t, x: unpacked_and_kept(t, x, matrix, D_OUT, 16, 40), 16)
    assert kept == 2 * D_OUT * D_IN + 2 * D_OUT * TOKENS
    assert most >= 7 * D_OUT * D_IN
    t = Tape("cuda")
    t.recording = False
    t.enter("inference")
    x = t.input(per_token(D_IN), 16)
    unpacked_and_kept(t, x, matrix, D_OUT, 16, 40)
    assert all(amount[0] == 0 for amount in t.fullest("inference"))


def test_unpacking_in_another_type_than_the_product_makes_the_matrix_twice() -> None:
    same = on_tape(lambda t, x: unpacked_each_time(t, x, Weight(D_OUT * D_IN, 16, False), D_OUT, 16), 16)
    wider = on_tape(lambda t, x: unpacked_each_time(t, x, Weight(D_OUT * D_IN, 32, False), D_OUT, 16), 16)
    assert wider[1] > same[1]
