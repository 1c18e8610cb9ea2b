"""Packed matrices: the bytes of the libraries' own modules, and what a row's storage becomes in a draft."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.weights.packing import Awq, EightBits, EightBitsWeightOnly, Float8, FourBits, Gptq

SHAPES = st.tuples(st.integers(1, 64).map(lambda n: 64 * n), st.integers(1, 64).map(lambda n: 128 * n))
ALL = (FourBits(), FourBits(double=True), EightBits(), EightBitsWeightOnly(), Gptq(), Gptq("gptq8", 8), Awq(), Float8())

# (out, in), bytes with float32 scales, bytes with scales that are quantised: bitsandbytes 0.50.2, Linear4bit with nf4,
# sum over weight, absmax, code, state2.absmax and offset
BITSANDBYTES = (
    ((576, 576), 186_688, 171_224),
    ((192, 576), 62_272, 57_120),
    ((1536, 576), 497_728, 456_476),
    ((64, 100), 3_664, 3_372),
)


@pytest.mark.parametrize(("shape", "plain", "double"), BITSANDBYTES)
def test_four_bits_take_what_bitsandbytes_own_modules_take(shape: tuple[int, int], plain: int, double: int) -> None:
    assert FourBits().bytes_of(shape) == plain
    assert FourBits(double=True).bytes_of(shape) == double


def test_int8_takes_what_bitsandbytes_own_module_takes() -> None:
    assert EightBits().bytes_of((192, 576)) == 192 * 576 + 4 * 192  # bitsandbytes 0.50.2, Int8Params: data and SCB


@pytest.mark.parametrize("double", [False, True])
def test_four_bits_agree_with_bitsandbytes_where_it_is_installed(double: bool) -> None:
    bnb = pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    import torch

    module = bnb.nn.Linear4bit(320, 192, bias=False, compress_statistics=double, quant_type="nf4")
    weight = module.weight if module.weight.quant_state else module.weight._quantize(torch.device("cpu"))
    state = weight.quant_state
    kept = [weight.data, state.absmax, state.code, *([state.state2.absmax, state.offset] if double else [])]
    assert FourBits(double=double).bytes_of((192, 320)) == sum(x.nbytes for x in kept)


def test_published_gptq_and_awq_layers_are_met_by_their_layout() -> None:
    # Qwen2.5-7B, gate_proj: qweight int32 (448, 18944), qzeros int32 (28, 2368), scales float16 (28, 18944), g_idx (3584)
    assert Gptq().bytes_of((18_944, 3_584)) == 4 * (448 * 18_944 + 28 * 2_368 + 3_584) + 2 * 28 * 18_944
    # AutoAWQ: qweight int32 (3584, 2368), qzeros int32 (28, 2368), scales float16 (28, 18944)
    assert Awq().bytes_of((18_944, 3_584)) == 4 * (3_584 * 2_368 + 28 * 2_368) + 2 * 28 * 18_944


def test_double_quantised_scales_take_a_little_over_a_byte_for_each_block() -> None:
    blocks = 4096 * 4096 // 64
    scales = FourBits(double=True).bytes_of((4096, 4096)) - 4096 * 4096 // 2
    assert 1.015 < scales / blocks < 1.017


@given(SHAPES, st.sampled_from(ALL))
def test_a_packed_matrix_takes_less_than_sixteen_bits_and_its_pieces_are_all_of_it(
    shape: tuple[int, int], packing
) -> None:  # type: ignore[no-untyped-def]
    assert sum(packing.pieces(shape)) == packing.bytes_of(shape) < 2 * shape[0] * shape[1]


@given(SHAPES, st.sampled_from(ALL), st.integers(1, 8))
def test_experts_are_packed_one_by_one(shape: tuple[int, int], packing, n: int) -> None:  # type: ignore[no-untyped-def]
    assert packing.bytes_of((n, *shape)) == n * packing.bytes_of(shape)
