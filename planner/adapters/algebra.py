"""Operations on matrices that adapters make of their weights, and of values and weights alike.

As in `planner.autograd.operations`, each says what it keeps and what its backward makes; here either side may be a
weight, since an adapter multiplies its own matrices with each other before it meets a token.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from planner.autograd.amount import Amount, fixed
from planner.autograd.tape import Gradients, Tape, Value, Weight

Operand: TypeAlias = Value | Weight


def size(x: Operand) -> Amount:
    """Elements, of a weight as a fixed amount."""
    return fixed(x.elements) if isinstance(x, Weight) else x.elements


def wants(x: Operand) -> bool:
    """Whether a gradient goes back through it."""
    return x.trained if isinstance(x, Weight) else x.node is not None


def to(t: Tape, x: Operand, bits: int) -> Operand:
    """`x.to(dtype)`: x itself when it has the type already."""
    if x.bits == bits:
        return x
    elements, before = size(x), x.bits
    return t.result(elements, bits, [x], lambda g, _: [t.new(g.elements, before)])


def matmul(t: Tape, a: Operand, b: Operand, elements: Amount) -> Value:
    """`a @ b`: each factor is kept where the other one wants a gradient."""
    a_wants, b_wants = wants(a), wants(b)
    keep = [x for x, wanted in ((a, b_wants), (b, a_wants)) if wanted]
    sizes = size(a), size(b)

    def back(g: Value, saved: list[Any]) -> Gradients:
        of_b = t.new(sizes[1], g.bits) if b_wants else None
        of_a = t.new(sizes[0], g.bits) if a_wants else None
        if of_a is not None:
            of_a.is_view = True
        return [of_a, of_b]

    return t.result(elements, max(a.bits, b.bits), [a, b], back, keep=keep)


def times(t: Tape, a: Operand, b: Operand, elements: Amount | None = None) -> Value:
    """Element by element; either may be smaller and spread out. elements: of the result, b's if not said.

    A smaller one's gradient is made in full, then summed.
    """
    a_wants, b_wants = wants(a), wants(b)
    keep = [x for x, wanted in ((b, a_wants), (a, b_wants)) if wanted]
    sizes = size(a), size(b)
    whole = elements or sizes[1]

    def back(g: Value, saved: list[Any]) -> Gradients:
        out: Gradients = [t.new(g.elements, g.bits) if wanted else None for wanted in (a_wants, b_wants)]
        for i, one in enumerate(sizes):
            if out[i] is not None and one != g.elements:
                out[i] = t.new(one, g.bits)
        return out

    return t.result(whole, max(a.bits, b.bits), [a, b], back, keep=keep)


def plus(t: Tape, a: Operand, b: Operand) -> Value:
    """`a + b`, b of the result's shape: keeps nothing; a smaller one's gradient is summed."""
    sizes = size(a), size(b)

    def back(g: Value, saved: list[Any]) -> Gradients:
        return [
            Value(t, g.elements, g.bits, None, g.storage) if one == g.elements else t.new(one, g.bits) for one in sizes
        ]

    return t.result(sizes[1], max(a.bits, b.bits), [a, b], back)


def into(t: Tape, result: Value, more: Value) -> Value:
    """`result += more`: result keeps its type and its storage."""

    def back(g: Value, saved: list[Any]) -> Gradients:
        return [Value(t, g.elements, g.bits, None, g.storage), Value(t, g.elements, g.bits, None, g.storage)]

    return t.result(result.elements, result.bits, [result, more], back, storage=result.storage)


def pointwise(t: Tape, x: Operand, *, keeps: str = "") -> Value:
    """A function of each element. keeps: `input`, `result` or nothing."""
    elements = size(x)
    return t.result(
        elements,
        x.bits,
        [x],
        lambda g, _: [t.new(g.elements, g.bits)],
        keep=[x] if keeps == "input" else (),
        keep_result=keeps == "result",
    )


def reshaped(t: Tape, x: Operand, elements: Amount | None = None, *, copied: bool = False) -> Value:
    """Another shape; `elements` where fewer or more are seen. copied: it has to be laid out anew."""
    whole = size(x)
    shared = x.storage if isinstance(x, Value) and not copied else None
    if isinstance(x, Weight) and not copied:
        shared = t.new(fixed(0), 8).storage
    same = elements is None or elements == whole

    def back(g: Value, saved: list[Any]) -> Gradients:
        if same and not copied:
            return [Value(t, g.elements, g.bits, None, g.storage)]
        return [t.new(whole, g.bits)]

    return t.result(elements or whole, x.bits, [x], back, storage=shared)


def reduced(t: Tape, x: Operand, elements: Amount) -> Value:
    """A sum or mean over some of x's dimensions; the gradient is spread out as a view."""
    return t.result(elements, x.bits, [x], lambda g, _: [Value(t, g.elements, g.bits, None, g.storage)])


def seen(t: Tape, weight: Weight) -> Operand:
    """A trained weight that is read more than once: its gradients are summed before they reach it."""
    return reshaped(t, weight) if weight.trained else weight


def combined(
    t: Tape,
    inputs: tuple[Operand, ...],
    elements: Amount,
    bits: int,
    work: tuple[Amount, ...] = (),
    *,
    kept: bool = True,
) -> Value:
    """A small matrix worked out of several; keeps what it read, unless said otherwise.

    work: further values of its type kept for backward.
    """
    more = [t.new(one, bits) for one in work]
    sizes = [size(x) for x in inputs]
    wanted = [wants(x) for x in inputs]

    def back(g: Value, saved: list[Any]) -> Gradients:
        return [t.new(one, g.bits) if w else None for one, w in zip(sizes, wanted, strict=True)]

    return t.result(elements, bits, list(inputs), back, keep=[*(inputs if kept else ()), *more])
