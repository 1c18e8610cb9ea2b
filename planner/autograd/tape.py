"""What autograd allocates, keeps and frees, operation by operation, with sizes instead of tensors.

A block of a model is written as its operations, as in the model's own forward code; the tape follows them as torch
does: what an operation keeps for backward, which temporaries its backward makes, when each dies, how gradients of one
tensor are added up. So a technique that changes a block changes its operations, and every figure follows.

Liveness is Python's own: a `Value` is a reference to a storage, as a tensor is. Rules follow torch 2.13
(derivatives.yaml, engine.cpp, input_buffer.cpp, utils/checkpoint.py) and are checked by counting real steps. It knows
no model and no technique, and makes no lines.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from planner.autograd.amount import Amount, fixed, unbeaten


def _bytes(elements: Amount, bits: int) -> Amount:
    a, b, c, d = elements
    return (a * bits // 8, b * bits // 8, c * bits // 8, d * bits // 8)


class _Storage:
    __slots__ = ("bytes", "holders")

    def __init__(self, amount: Amount) -> None:
        self.bytes, self.holders = amount, 0


class Value:
    """A tensor's shadow: how many elements of how many bits, and the operation that its gradient goes to.

    Dies as a tensor does, when the last reference to it goes; its storage dies with the last value on it.
    is_view: a gradient that is a view of a matmul's result, which autograd never adds into in place.
    """

    __slots__ = ("bits", "elements", "is_view", "node", "storage", "tape")

    def __init__(
        self, tape: Tape, elements: Amount, bits: int, node: _Node | None = None, storage: _Storage | None = None
    ) -> None:
        self.tape, self.elements, self.bits, self.node, self.is_view = tape, elements, bits, node, False
        if storage is None:
            a, b, c, d = elements
            amount = (a * bits // 8, b * bits // 8, c * bits // 8, d * bits // 8)
            storage = _Storage(amount)
            tape._took(amount)
        self.storage = storage
        storage.holders += 1

    def __del__(self) -> None:
        self.storage.holders -= 1
        if not self.storage.holders:
            self.tape._gave(self.storage.bytes)


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter that an operation uses. Its own bytes are a line of their own; only its gradient is seen here."""

    elements: int
    bits: int
    trained: bool


Gradients: TypeAlias = "list[Value | None]"
_Backward: TypeAlias = "Callable[[Value, list[Any]], Gradients]"


class _Node:
    """One operation to go back through. edges: where its results go; a `Weight` collects its gradient."""

    __slots__ = ("bits", "edges", "order", "pending", "run", "saved")

    def __init__(
        self, order: int, bits: int, edges: list[_Node | Weight | None], run: _Backward, saved: list[Any]
    ) -> None:
        self.order, self.bits, self.edges, self.run, self.saved, self.pending = order, bits, edges, run, saved, 0

    def __lt__(self, other: _Node) -> bool:
        return self.order > other.order  # the operation made last goes first, as in torch's engine


class _Remade(Exception):  # noqa: N818 - not an error: everything that backward needs has been made again
    pass


class _Frame:
    """One checkpointed call: how many handles its first run gave out, and the values of its second."""

    __slots__ = ("again", "count", "remade", "values")

    def __init__(self) -> None:
        self.count, self.remade = 0, False
        self.again: Callable[[_Frame], None] | None = None
        self.values: dict[int, Value | None] = {}


class Tape:
    """Runs one block forward and backward on one kind of device. float16: what has 16 bits is float16, not bfloat16.

    fullest: by stretch, the amounts that no other instant beats. made, operations: all that was made so far, and in how
    many pieces, for how long it takes."""

    def __init__(self, device: str = "cpu", gradients_stay: bool = True, float16: bool = False) -> None:
        self.device = device
        self.float16 = float16
        self.flat = False  # the module itself lays tokens in one row, so that a matmul's gradient is no view of another
        self.compiled = False  # torch.compile fuses what lies between matmuls and attention
        self.live = [0, 0, 0, 0]
        self.made = [0, 0, 0, 0]
        self.operations = 0
        self.gradients_stay = gradients_stay
        self.gradients: list[Value] = []
        self.peaks: dict[str, set[Amount]] = {}
        self._here: set[Amount] = self.peaks.setdefault("", set())  # of this stretch
        self.recording = True
        self._order = 0
        self._frame: _Frame | None = None  # the first run under a checkpoint
        self._remaking: _Frame | None = None  # its second run
        self._rising = False

    # bytes

    def _took(self, amount: Amount) -> None:
        live = self.live
        live[0] += amount[0]
        live[1] += amount[1]
        live[2] += amount[2]
        live[3] += amount[3]
        made = self.made
        made[0] += amount[0]
        made[1] += amount[1]
        made[2] += amount[2]
        made[3] += amount[3]
        self.operations += 1
        self._rising = True

    def _gave(self, amount: Amount) -> None:
        if self._rising:
            self.note()
        live = self.live
        live[0] -= amount[0]
        live[1] -= amount[1]
        live[2] -= amount[2]
        live[3] -= amount[3]

    def note(self) -> None:
        """Remember the present amount as one of this stretch."""
        self._here.add(tuple(self.live))  # type: ignore[arg-type]
        self._rising = False

    def enter(self, stretch: str) -> None:
        """What follows belongs to this stretch; it begins with what is alive now."""
        if self._rising:
            self.note()
        self._here = self.peaks.setdefault(stretch, set())
        self.note()

    def instants(self, stretch: str) -> set[Amount]:
        """What was alive whenever it had risen, in a stretch."""
        if self._rising:
            self.note()
        return self.peaks.get(stretch, set())

    def fullest(self, stretch: str) -> tuple[Amount, ...]:
        """The amounts of a stretch of which no other is at least as large in every part."""
        return unbeaten(self.instants(stretch))

    # making values

    def input(self, elements: Amount, bits: int, wants_gradient: bool = False) -> Value:
        """A value from outside the block. Its gradient, if it wants one, is what the block hands back."""
        node = self._node(bits, [], _stop, []) if wants_gradient else None
        return Value(self, elements, bits, node)

    def _node(self, bits: int, edges: list[_Node | Weight | None], run: _Backward, saved: list[Any]) -> _Node:
        self._order += 1
        return _Node(self._order, bits, edges, run, saved)

    def _keep(self, value: Value | Weight) -> Any:
        """Save for backward, or give out a handle where this is checkpointed. A weight costs nothing but counts."""
        alias = Value(self, value.elements, value.bits, None, value.storage) if isinstance(value, Value) else None
        if self._frame is not None:
            self._frame.count += 1
            return (self._frame, self._frame.count)
        if self._remaking is not None:
            frame = self._remaking
            index = len(frame.values) + 1
            frame.values[index] = alias
            if index == frame.count:
                raise _Remade
        return alias

    def shared(self, weight: Weight) -> Value:
        """A trained weight that several operations read: their gradients are added up before it collects the sum."""
        return Value(self, fixed(0), weight.bits, self._node(weight.bits, [weight], _stop, []))

    def hand_over(self, value: Value) -> None:
        """Its bytes go to others that are about to be made; what still names it costs nothing."""
        self._gave(value.storage.bytes)
        value.storage.bytes = fixed(0)

    def new(self, elements: Amount, bits: int) -> Value:
        """A temporary that autograd does not follow."""
        return Value(self, elements, bits)

    def result(
        self,
        elements: Amount,
        bits: int,
        inputs: Sequence[Value | Weight],
        run: _Backward,
        keep: Sequence[Value | Weight] = (),
        storage: _Storage | None = None,
        keep_result: bool = False,
    ) -> Value:
        """The value an operation returns. run: what its backward makes of (gradient, saved), one for each input.

        keep: what is saved before the operation computes. storage: of the input that it is a view of.
        """
        wanted = [x.node if isinstance(x, Value) else (x if x.trained else None) for x in inputs]
        if not self.recording or all(w is None for w in wanted):
            return Value(self, elements, bits, None, storage)
        saved = [self._keep(x) for x in keep]
        value = Value(self, elements, bits, None, storage)
        if keep_result:
            saved.append(self._keep(value))
        value.node = self._node(bits, list(wanted), run, saved)
        return value

    # running

    def checkpoint(self, block: Callable[[Value], Value], x: Value) -> Value:
        """`block(x)` whose inside is thrown away and made again (torch's checkpoint, use_reentrant=False)."""
        frame = _Frame()
        kept = Value(self, x.elements, x.bits, None, x.storage)
        self._frame = frame
        y = block(x)
        self._frame = None

        def again(frame: _Frame) -> None:  # handed in: to name it from here would be a cycle
            detached = Value(self, kept.elements, kept.bits, self._node(kept.bits, [], _stop, []), kept.storage)
            self._remaking = frame
            with contextlib.suppress(_Remade):
                block(detached)
            self._remaking = None

        frame.again = again
        return y

    def _unpack(self, handle: Any) -> Any:
        if not isinstance(handle, tuple):
            return handle
        frame, index = handle
        if not frame.remade:
            frame.remade = True
            frame.again(frame)
        return frame.values.pop(index)

    def backward(self, root: _Node, elements: Amount, bits: int) -> Value | None:
        """Go back from the operation that made a block's result, with a gradient of this size.

        Returns the gradient that reached the block's input, if it wants one.
        """
        _count_consumers(root)
        buffers = {root: self.new(elements, bits)}
        reached: Value | None = None
        ready = [root]
        while ready:
            node = heapq.heappop(ready)
            incoming = buffers.pop(node)
            if node.run is _stop and not node.edges:
                reached = incoming
                continue
            saved = [self._unpack(handle) for handle in node.saved]
            outgoing = node.run(incoming, saved)
            for i, edge in enumerate(node.edges):
                out = outgoing[i]
                if edge is None:
                    outgoing[i] = None
                elif out is not None and out.bits != edge.bits:
                    outgoing[i] = self.new(out.elements, edge.bits)  # the engine casts to the input's type
            out = None
            del incoming, saved
            node.saved = []
            for i, edge in enumerate(node.edges):
                if edge is None:
                    continue
                out, outgoing[i] = outgoing[i], None
                assert out is not None
                if isinstance(edge, Weight):
                    if self.gradients_stay:
                        self.gradients.append(out)
                    out = None  # otherwise added to the gradient that is there already
                    continue
                older = buffers.get(edge)
                if older is None:
                    buffers[edge] = out
                elif older.storage.holders > 1 or older.is_view:
                    buffers[edge] = self.new(older.elements, older.bits)
                older = out = None  # in place where nothing else holds the older one
                edge.pending -= 1
                if not edge.pending:
                    heapq.heappush(ready, edge)
        return reached


def _stop(gradient: Value, saved: list[Any]) -> Gradients:
    return [gradient]


def _count_consumers(root: _Node) -> None:
    seen, todo = {id(root)}, [root]
    while todo:
        for edge in todo.pop().edges:
            if isinstance(edge, _Node):
                if id(edge) not in seen:
                    seen.add(id(edge))
                    edge.pending = 0
                    todo.append(edge)
                edge.pending += 1
