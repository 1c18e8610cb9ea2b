"""Matmuls whose matrix is not what they multiply with: unpacked from few bits first, or read as a 16-bit copy.

Each says what is made of the matrix and of x, in the library's order, and what stays for backward. Which library packs a
matrix is said in `planner.weights.packing`; here is only what happens on the tape.
"""

from __future__ import annotations

from typing import Any

from planner.autograd.amount import Amount, fixed, per_token
from planner.autograd.operations import cast
from planner.autograd.tape import Gradients, Tape, Value, Weight


def unpacked_each_time(
    t: Tape, x: Value, weight: Weight, d_out: int, compute_bits: int, scratch_bits: int = 0
) -> Value:
    """bitsandbytes' Linear4bit: x is cast, the whole matrix unpacked, both ways; nothing of x is kept.

    scratch_bits: for each element of the matrix, what unpacking makes besides and drops before the product.
    Follows bitsandbytes.nn.Linear4bit.forward and autograd.MatMul4Bit; small products with no gradient run in a kernel
    that unpacks as it goes, so this is the most that can be there.
    """
    narrow = cast(t, x, compute_bits)
    wants, d_in = narrow.node is not None, narrow.elements
    matrix = _unpacked(t, weight, compute_bits, scratch_bits)

    def back(g: Value, saved: list[Any]) -> Gradients:
        again = _unpacked(t, weight, g.bits, scratch_bits)
        of_x = t.new(d_in, g.bits) if wants else None
        del again
        return [of_x]

    result = t.result(per_token(d_out), compute_bits, [narrow], back)
    del matrix
    return cast(t, result, x.bits)  # the 16-bit copy of x is held until then


def _unpacked(t: Tape, weight: Weight, bits: int, scratch_bits: int) -> Value:
    """The matrix in its own type, then in the product's where that differs: for a moment both."""
    scratch = t.new(fixed(weight.elements), scratch_bits) if scratch_bits else None
    matrix = t.new(fixed(weight.elements), weight.bits)
    del scratch
    return matrix if weight.bits == bits else t.new(fixed(weight.elements), bits)


def unpacked_and_kept(t: Tape, x: Value, weight: Weight, d_out: int, compute_bits: int, scratch_bits: int = 0) -> Value:
    """AutoGPTQ's QuantLinear where something is learnt: a plain product with an unpacked matrix, which autograd keeps.

    scratch_bits: for each element, the integers that unpacking makes (auto_gptq/nn_modules/qlinear/qlinear_cuda_old.py).
    Without a gradient the kernels unpack as they go, into a buffer made once for all matrices.
    """
    narrow = cast(t, x, compute_bits)
    if narrow.node is None:
        return cast(t, t.new(per_token(d_out), compute_bits), x.bits)
    scratch = t.new(fixed(weight.elements), scratch_bits)
    matrix = t.new(fixed(weight.elements), compute_bits)
    del scratch
    result = _product(t, narrow, matrix, d_out)
    del matrix, narrow
    return cast(t, result, x.bits)


def eight_bits_by_row(t: Tape, x: Value, weight: Weight, d_out: int, compute_bits: int) -> Value:
    """bitsandbytes' Linear8bitLt: x is kept and quantised by row, the product is made in 32-bit integers first.

    Follows autograd.MatMul8bitLt on a card; the outlier columns of x, which depend on the data, are left out.
    """
    wants, d_in = x.node is not None, x.elements
    half = cast(t, x, 16)
    codes = t.new(d_in, 8)
    del half
    integers = t.new(per_token(d_out), 32)

    def back(g: Value, saved: list[Any]) -> Gradients:
        matrix = t.new(fixed(weight.elements), x_bits)
        narrow = cast(t, g, x_bits)
        of_x = t.new(d_in, x_bits) if wants else None
        del matrix, narrow
        return [of_x]

    x_bits = x.bits
    result = t.result(per_token(d_out), x_bits, [x], back, keep=[x])
    del integers, codes
    return result


def eight_bits_weight_only(t: Tape, x: Value, weight: Weight, d_out: int, compute_bits: int) -> Value:
    """Q-GaLore's W8Linear: the matrix is widened for the product, both ways; x is kept for the matrix's own gradient."""
    narrow = cast(t, x, compute_bits)
    wants, d_in = narrow.node is not None, narrow.elements
    matrix = t.new(fixed(weight.elements), compute_bits)

    def back(g: Value, saved: list[Any]) -> Gradients:
        again = t.new(fixed(weight.elements), compute_bits)
        of_x = t.new(d_in, g.bits) if wants else None
        del again
        of_weight = t.new(fixed(weight.elements), g.bits) if weight.trained else None
        return [of_x, of_weight]

    result = t.result(per_token(d_out), compute_bits, [narrow, weight], back, keep=[narrow])
    del matrix, narrow
    return cast(t, result, x.bits)


def float8_by_block(t: Tape, x: Value, weight: Weight, d_out: int, compute_bits: int) -> Value:
    """transformers' FP8Linear, for inference: x is quantised by 128 values, with a float32 scale for each."""
    a, b, c, d = x.elements
    codes = t.new(x.elements, 8)
    scales = t.new((a // 128, b // 128, c // 128, d // 128), 32)
    result = t.new(per_token(d_out), compute_bits)
    del codes, scales
    return cast(t, result, x.bits)


def of_copies(t: Tape, x: Value, weight: Weight, d_out: int, bits: int, bias: Weight | None = None) -> Value:
    """A product under autocast: x and a wider matrix are cast first, and each copy is kept where the product keeps it.

    A trained matrix's copy is cached until the autocast region ends; a frozen one's is made each time
    (torch's cached_cast in autocast_mode.cpp caches leaves that require a gradient only).
    """
    if weight.bits == bits:
        return _product(t, cast(t, x, bits), weight, d_out, bias)
    wide_bits, n = weight.bits, fixed(weight.elements)
    # the matrix is cast before x: compilers evaluate the arguments from the last to the first
    copy = t.result(n, bits, [weight], lambda g, _: [t.new(n, wide_bits)])
    return _product(t, cast(t, x, bits), copy, d_out, bias)


def _product(t: Tape, x: Value, matrix: Value | Weight, d_out: int, bias: Weight | None = None) -> Value:
    """`x @ matrix.T`, the matrix being a value of its own or a weight."""
    x_wants, d_in, viewed = x.node is not None, x.elements, not t.flat
    matrix_wants = matrix.trained if isinstance(matrix, Weight) else matrix.node is not None
    size: Amount = fixed(matrix.elements) if isinstance(matrix, Weight) else matrix.elements
    keep: list[Value | Weight] = []
    if x_wants:
        keep.append(matrix)
    if matrix_wants:
        keep.append(x)

    def back(g: Value, saved: list[Any]) -> Gradients:
        of_bias = t.new(fixed(bias.elements), g.bits) if bias is not None and bias.trained else None
        of_matrix = t.new(size, g.bits) if matrix_wants else None
        of_x = t.new(d_in, g.bits) if x_wants else None
        if of_x is not None:
            of_x.is_view = viewed
        return [of_x, of_matrix, of_bias] if bias is not None else [of_x, of_matrix]

    inputs: list[Value | Weight] = [x, matrix] if bias is None else [x, matrix, bias]
    return t.result(per_token(d_out), x.bits, inputs, back, keep=keep)
