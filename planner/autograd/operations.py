"""The operations that blocks are written in: each says what it keeps, and what its backward makes and drops.

Each follows the formula of torch's derivatives.yaml of the same name; where a backward holds several temporaries at
once they are made in the order in which torch makes them. Bytes of weights and of their states are not seen here.
"""

from __future__ import annotations

from typing import Any

from planner.autograd.amount import Amount, fixed, per_token
from planner.autograd.tape import Gradients, Tape, Value, Weight


def cast(t: Tape, x: Value, bits: int) -> Value:
    """`x.to(dtype)`: x itself when it has the type already."""
    if x.bits == bits:
        return x
    before = x.bits
    return t.result(x.elements, bits, [x], lambda g, _: [t.new(g.elements, before)])


def view(t: Tape, x: Value) -> Value:
    """Another shape of the same storage, both ways."""
    return t.result(x.elements, x.bits, [x], lambda g, _: [_same(t, g)], storage=x.storage)


def split_heads(t: Tape, x: Value) -> Value:
    """`view(…).transpose(1, 2)`: free forward; the gradient is copied to lie as x did."""
    return t.result(x.elements, x.bits, [x], lambda g, _: [t.new(g.elements, g.bits)], storage=x.storage)


def add(t: Tape, a: Value, b: Value) -> Value:
    """Sum of equal shapes: keeps nothing, hands the gradient on to both."""
    return t.result(a.elements, max(a.bits, b.bits), [a, b], lambda g, _: [_same(t, g), _same(t, g)])


def scale(t: Tape, x: Value) -> Value:
    """Times a number: keeps nothing."""
    return t.result(x.elements, x.bits, [x], lambda g, _: [t.new(g.elements, g.bits)])


def shift(t: Tape, x: Value) -> Value:
    """Plus a number: keeps nothing."""
    return t.result(x.elements, x.bits, [x], lambda g, _: [_same(t, g)])


def square(t: Tape, x: Value) -> Value:
    """`x.pow(2)`; backward is gradient × (2 × x.pow(1)), all three at once."""

    def back(g: Value, saved: list[Any]) -> Gradients:
        power = t.new(g.elements, g.bits)
        twice = t.new(g.elements, g.bits)
        out = t.new(g.elements, g.bits)
        del power, twice
        return [out]

    return t.result(x.elements, x.bits, [x], back, keep=[x])


def mean_of_last(t: Tape, x: Value, elements: Amount) -> Value:
    """Mean over the last dimension; its gradient is spread out to the full shape."""
    full = x.elements
    return t.result(elements, x.bits, [x], lambda g, _: [t.new(full, g.bits)])


def rsqrt(t: Tape, x: Value) -> Value:
    """Keeps its result; backward is −½ × gradient × result³."""

    def back(g: Value, saved: list[Any]) -> Gradients:
        cube, half = t.new(g.elements, g.bits), t.new(g.elements, g.bits)
        out = t.new(g.elements, g.bits)
        del cube, half
        return [out]

    return t.result(x.elements, x.bits, [x], back, keep_result=True)


def multiply(t: Tape, a: Value | Weight, b: Value) -> Value:
    """Product; `a` may be smaller and spread out (a norm's weight, a factor per token, rotary cosines).

    Each factor is kept if the other one wants a gradient. The smaller one's gradient is made in full, then summed.
    """
    a_wants = a.trained if isinstance(a, Weight) else a.node is not None
    b_wants = b.node is not None
    keep: list[Value | Weight] = []
    if a_wants:
        keep.append(b)
    if b_wants:
        keep.append(a)
    small: Amount = fixed(a.elements) if isinstance(a, Weight) else a.elements

    def back(g: Value, saved: list[Any]) -> Gradients:
        of_a = t.new(g.elements, g.bits) if a_wants else None
        of_b = t.new(g.elements, g.bits) if b_wants else None
        if of_a is not None and small != g.elements:
            of_a = t.new(small, g.bits)
        return [of_a, of_b]

    return t.result(b.elements, max(a.bits, b.bits), [a, b], back, keep=keep)


def linear(t: Tape, x: Value, weight: Weight, d_out: int, bias: Weight | None = None) -> Value:
    """`x @ weight.T`: keeps x if the weight is trained, refers to the weight if x wants a gradient."""
    x_wants = x.node is not None
    keep: list[Value | Weight] = []
    if x_wants:
        keep.append(weight)
    if weight.trained:
        keep.append(x)
    d_in, viewed = x.elements, not t.flat

    def back(g: Value, saved: list[Any]) -> Gradients:
        of_bias = t.new(fixed(bias.elements), g.bits) if bias is not None and bias.trained else None
        of_weight = t.new(fixed(weight.elements), g.bits) if weight.trained else None
        of_x = t.new(d_in, g.bits) if x_wants else None
        if of_x is not None:
            of_x.is_view = viewed  # the matmul ran on (tokens, d_in); its gradient is handed on in x's shape
        return [of_x, of_weight, of_bias] if bias is not None else [of_x, of_weight]

    inputs: list[Value | Weight] = [x, weight] if bias is None else [x, weight, bias]
    return t.result(per_token(d_out), x.bits, inputs, back, keep=keep)


def silu(t: Tape, x: Value) -> Value:
    """Keeps its input. Compiled it is a part of the product that follows, and makes nothing of its own."""
    storage = x.storage if t.compiled else None
    return t.result(x.elements, x.bits, [x], lambda g, _: [t.new(g.elements, g.bits)], keep=[x], storage=storage)


def negative(t: Tape, x: Value) -> Value:
    return t.result(x.elements, x.bits, [x], lambda g, _: [t.new(g.elements, g.bits)])


def half(t: Tape, x: Value) -> Value:
    """A slice of half the last dimension: a view; its gradient is written into zeros of the full shape."""
    full = x.elements
    a, b, c, d = full
    return t.result(
        (a // 2, b // 2, c // 2, d // 2), x.bits, [x], lambda g, _: [t.new(full, g.bits)], storage=x.storage
    )


def concatenate(t: Tape, a: Value, b: Value) -> Value:
    """Two halves side by side; their gradients are views of one."""

    def back(g: Value, saved: list[Any]) -> Gradients:
        return [Value(t, a_elements, g.bits, None, g.storage), Value(t, b_elements, g.bits, None, g.storage)]

    a_elements, b_elements = a.elements, b.elements
    whole = tuple(x + y for x, y in zip(a_elements, b_elements, strict=True))
    return t.result(whole, a.bits, [a, b], back)  # type: ignore[arg-type]


def repeat(t: Tape, x: Value, n_heads: int, times: int) -> Value:
    """Each of n key or value heads copied for its query heads; the gradient is summed back.

    A single head is not copied: it is spread out as a view, which transformers' expand and reshape come to there.
    """
    if times == 1:
        return x
    before = x.elements
    a, b, c, d = before
    spread = (a * times, b * times, c * times, d * times)
    storage = x.storage if n_heads == 1 else None
    return t.result(spread, x.bits, [x], lambda g, _: [t.new(before, g.bits)], storage=storage)


def rms_norm(t: Tape, x: Value, weight: Weight, rows_per_token: int = 1) -> Value:
    """Computed in float32, as in transformers' LlamaRMSNorm, whatever x is stored in.

    rows_per_token: 1 over the hidden size; the number of heads where each head is normed by itself.
    """
    if t.compiled:
        return _fused_norm(t, x, weight, rows_per_token)
    wide = cast(t, x, 32)
    factor = rsqrt(t, shift(t, mean_of_last(t, square(t, wide), per_token(rows_per_token))))
    wide = multiply(t, factor, wide)
    return multiply(t, weight, cast(t, wide, x.bits))


def rotate(t: Tape, x: Value, cos: Value, sin: Value) -> Value:
    """Rotary position embedding: x·cos + rotate_half(x)·sin; compiled in one kernel, both ways."""
    if t.compiled:
        return t.result(x.elements, x.bits, [x], lambda g, _: [t.new(g.elements, g.bits)])
    return add(t, multiply(t, cos, x), multiply(t, sin, concatenate(t, negative(t, half(t, x)), half(t, x))))


def transposed(t: Tape, x: Value) -> Value:
    """A view; where a batched matmul needs it in one piece it is copied there."""
    return view(t, x)


def contiguous(t: Tape, x: Value) -> Value:
    """A copy in the order that the next matmul wants; the gradient comes back as a view."""
    return t.result(x.elements, x.bits, [x], lambda g, _: [_same(t, g)])


def softmax(t: Tape, x: Value) -> Value:
    """Keeps its result; backward makes one gradient beside the incoming one.

    A card's kernel first makes gradient × result (aten/src/ATen/native/cuda/SoftMax.cu, softmax_backward_cuda_out).
    """

    def back(g: Value, saved: list[Any]) -> Gradients:
        product = t.new(g.elements, g.bits) if t.device != "cpu" else None
        out = t.new(g.elements, x_bits)
        del product
        return [out]

    x_bits = x.bits
    return t.result(x.elements, x.bits, [x], back, keep_result=True)


def softmax_in_float32(t: Tape, x: Value) -> Value:
    """`softmax(x, dtype=torch.float32)`: x is widened first, but for float16 on a card, whose kernel does both at once."""
    if t.device == "cpu" or not t.float16 or x.bits == 32:
        return softmax(t, cast(t, x, 32))

    def back(g: Value, saved: list[Any]) -> Gradients:
        product = t.new(g.elements, 32)
        out = t.new(g.elements, 16)
        del product
        return [out]

    return t.result(x.elements, 32, [x], back, keep_result=True)


def log_softmax(t: Tape, x: Value) -> Value:
    """Keeps its result; backward makes one gradient beside the incoming one."""
    return t.result(x.elements, x.bits, [x], lambda g, _: [t.new(g.elements, g.bits)], keep_result=True)


def negative_log_likelihood(t: Tape, x: Value, targets: Value) -> Value:
    """Keeps its input and the targets; backward fills a gradient of the input's size. The result is one number."""
    full, bits = x.elements, x.bits
    return t.result(fixed(1), x.bits, [x], lambda g, _: [t.new(full, bits)], keep=[x, targets])


def batched_matmul(t: Tape, a: Value, b: Value, elements: Amount) -> Value:
    """Keeps each factor for the other's gradient."""
    a_wants, b_wants = a.node is not None, b.node is not None
    shapes = (a.elements, b.elements)

    def back(g: Value, saved: list[Any]) -> Gradients:
        of_a = t.new(shapes[0], g.bits) if a_wants else None
        of_b = t.new(shapes[1], g.bits) if b_wants else None
        return [of_a, of_b]

    keep: list[Value | Weight] = []
    if b_wants:
        keep.append(a)
    if a_wants:
        keep.append(b)
    return t.result(elements, a.bits, [a, b], back, keep=keep)


def dropout(t: Tape, x: Value) -> Value:
    """On the CPU the noise is a value of x's own type, kept; CUDA's own kernel keeps one byte an element instead.

    A pass that nothing goes back through is an evaluation, an answer or MeZO's (which evaluates as well): nothing is dropped.
    """
    if not t.recording:
        return x
    on_cpu = t.device == "cpu"
    noise = t.new(x.elements, x.bits if on_cpu else 8)
    return t.result(x.elements, x.bits, [x], lambda g, _: [t.new(g.elements, g.bits)], keep=[noise])


def _same(t: Tape, g: Value) -> Value:
    return Value(t, g.elements, g.bits, None, g.storage)


def layer_norm(t: Tape, x: Value, weight: Weight, bias: Weight | None, rows_per_token: int = 1) -> Value:
    """torch's native_layer_norm: keeps x, mean and reciprocal deviation (float32 a row); one gradient of x's size."""
    wants = x.node is not None
    statistics = [t.new(per_token(rows_per_token), 32), t.new(per_token(rows_per_token), 32)]

    def back(g: Value, saved: list[Any]) -> Gradients:
        of_x = t.new(g.elements, g.bits) if wants else None
        of_weight = t.new(fixed(weight.elements), weight.bits) if weight.trained else None
        of_bias = t.new(fixed(bias.elements), bias.bits) if bias is not None and bias.trained else None
        return [of_x, of_weight] if bias is None else [of_x, of_weight, of_bias]

    inputs: list[Value | Weight] = [x, weight] if bias is None else [x, weight, bias]
    return t.result(x.elements, x.bits, inputs, back, keep=[x, *statistics, weight])


def activation(t: Tape, x: Value) -> Value:
    """GELU or ReLU6-like kernels of one operation: keep their input."""
    return silu(t, x)


def relu(t: Tape, x: Value) -> Value:
    """Keeps its result, which the next matmul keeps too where its weight is trained."""
    return t.result(x.elements, x.bits, [x], lambda g, _: [t.new(g.elements, g.bits)], keep_result=True)


def kept(t: Tape, x: Value) -> Value:
    """x itself, kept for a backward that does not read it."""
    return t.result(x.elements, x.bits, [x], lambda g, _: [_same(t, g)], keep=[x], storage=x.storage)


def _fused_norm(t: Tape, x: Value, weight: Weight, rows_per_token: int) -> Value:
    """A norm through torch.compile: one kernel each way; x is kept as it came, and a float32 a row."""
    wants, statistic = x.node is not None, t.new(per_token(rows_per_token), 32)

    def back(g: Value, saved: list[Any]) -> Gradients:
        of_x = t.new(g.elements, x_bits) if wants else None
        return [of_x, t.new(fixed(weight.elements), weight.bits) if weight.trained else None]

    x_bits = x.bits
    return t.result(x.elements, x.bits, [x, weight], back, keep=[x, statistic, weight])
