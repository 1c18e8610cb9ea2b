"""Taking values apart and putting them together: slices, splits, rows picked for experts, and positions of part of a head."""

from __future__ import annotations

from typing import Any

from planner.autograd.amount import Amount
from planner.autograd.operations import add, concatenate, half, multiply, negative
from planner.autograd.tape import Gradients, Tape, Value


def share(x: Value, part: int, whole: int) -> Amount:
    """That share of a value's elements."""
    a, b, c, d = x.elements
    return (a * part // whole, b * part // whole, c * part // whole, d * part // whole)


def cut(t: Tape, x: Value, elements: Amount) -> Value:
    """A slice: a view; its gradient is written into zeros of the full shape."""
    full = x.elements
    return t.result(elements, x.bits, [x], lambda g, _: [t.new(full, g.bits)], storage=x.storage)


def pick(t: Tape, x: Value, elements: Amount) -> Value:
    """Rows chosen by an index: a copy; its gradient is added into zeros of the full shape."""
    full = x.elements
    return t.result(elements, x.bits, [x], lambda g, _: [t.new(full, g.bits)])


def split(t: Tape, x: Value, *parts: Amount, copied: bool = False) -> list[Value]:
    """`split` or `chunk`: views, whose gradients are put together into one of the full shape when all are there.

    copied: the result lies in another order than x does and is copied once more for it (a split of transposed heads).
    """
    pieces: list[Value] = []
    full = x.elements

    def joined(g: Value, saved: list[Any]) -> Gradients:
        whole = t.new(full, g.bits)
        pieces.clear()
        if copied:
            whole = t.new(full, g.bits)
        return [whole]

    def piece(g: Value, saved: list[Any]) -> Gradients:
        pieces.append(g)
        return [t.new((0, 0, 0, 0), g.bits)]

    joint = t.result(full, x.bits, [x], joined, storage=x.storage)
    return [t.result(elements, x.bits, [joint], piece, storage=x.storage) for elements in parts]


def add_in_place(t: Tape, a: Value, b: Value) -> Value:
    """`a += b`: keeps nothing, hands the gradient on to both."""
    return t.result(
        a.elements,
        a.bits,
        [a, b],
        lambda g, _: [Value(t, g.elements, g.bits, None, g.storage), Value(t, g.elements, g.bits, None, g.storage)],
        storage=a.storage,
    )


def rotate_part(
    t: Tape, x: Value, part: int, whole: int, cos: Value, sin: Value, named: list[Value] | None = None
) -> Value:
    """Rotary embedding of the first entries of each head; the others are put behind them again.

    named: takes both parts, where the forward has names for them that live on.
    """
    turned, rest = cut(t, x, share(x, part, whole)) if part < whole else x, cut(t, x, share(x, whole - part, whole))
    turned = add(
        t,
        multiply(t, cos, turned),
        multiply(t, sin, concatenate(t, negative(t, half(t, turned)), half(t, turned))),
    )
    if named is not None:
        named += [turned, rest]
    return joined(t, turned, rest)


def joined(t: Tape, a: Value, b: Value) -> Value:
    """`cat` of two parts; their gradients are views of one."""
    return concatenate(t, a, b)
