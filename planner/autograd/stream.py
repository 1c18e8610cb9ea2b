"""What a block and the head make and drop, in order: the events behind the sums of `block` and `head`.

A sum does not need the order, the card's allocator does. One recording serves every batch and length, as an amount
does; who replays it measures it first.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, TypeAlias

from planner.autograd.amount import Amount, per_token
from planner.autograd.block import shared_of
from planner.autograd.head import Loss, _normed, head_on
from planner.autograd.layer import Layer
from planner.autograd.tape import Tape, Value
from planner.draft import Stack, Ways
from planner.facts.model.families import FAMILIES
from planner.stored import stored

Step: TypeAlias = "tuple[int, Amount | None]"
"""(key, amount): a storage is made; (key, None): it dies."""


class Stream(NamedTuple):
    """The events of a block or of the head, both ways, and the keys by which it joins its neighbours.

    reads: its input, made before it. makes: its result, −1 for the head, whose result is a number. meets: the gradient
    that comes from what follows, −1 for the head. hands_on: the gradient for what came before, −1 where none is wanted.
    What has no death here lives until the update is over.
    """

    forward: tuple[Step, ...]
    backward: tuple[Step, ...]
    reads: int
    makes: int
    meets: int
    hands_on: int


class _Recorder(Tape):
    """A tape that also writes down each storage's birth and death, but of those without bytes.

    A storage's amount is an object of its own, so it names the storage while that lives.
    """

    def __init__(self, device: str, gradients_stay: bool, float16: bool) -> None:
        super().__init__(device, gradients_stay, float16)
        self.log: list[Step] = []
        self._made = 0
        self._keys: dict[int, int] = {}

    def _took(self, amount: Amount) -> None:
        super()._took(amount)
        if not any(amount):
            return
        self._made += 1
        self._keys[id(amount)] = self._made
        self.log.append((self._made, amount))

    def _gave(self, amount: Amount) -> None:
        super()._gave(amount)
        if any(amount):
            self.log.append((self._keys.pop(id(amount)), None))

    def key(self, value: Value | None) -> int:
        return -1 if value is None else self._keys[id(value.storage.bytes)]

    def logged(self) -> tuple[Step, ...]:
        done, self.log = tuple(self.log), []
        return done


@lru_cache(maxsize=4096)
def block_stream(stack: Stack, ways: Ways, wants_gradient: bool, gradients_stay: bool) -> Stream:
    """The events of one block, forward and backward. Shared values are made by the model and not in it."""
    facts, bits = stack.facts, ways.flow_bits
    t = _Recorder(ways.device, gradients_stay, ways.float16)
    t.compiled = ways.loop.compiled
    layer = Layer(t, stack, ways)
    around = shared_of(t, stack, ways)

    def run(x: Value) -> Value:
        return FAMILIES[facts.family].block(layer, x, around)

    t.log.clear()
    x = t.input(per_token(facts.hidden_size), bits, wants_gradient)
    reads = t.key(x)
    y = t.checkpoint(run, x) if ways.recompute else run(x)
    del x
    makes, last, elements = t.key(y), y.node, y.elements
    forward = t.logged()
    del y
    t.log = [step for step in t.log if step[0] != makes]  # the next block reads it
    assert last is not None
    made_before = t._made
    reached = t.backward(last, elements, bits)
    hands_on = t.key(reached)
    backward = t.logged()
    del reached, last
    return Stream(forward, backward, reads, makes, made_before + 1, hands_on)


@lru_cache(maxsize=4096)
def head_stream(loss: Loss, stack: Stack, ways: Ways, alone: bool) -> Stream:
    """The events between the last block and the gradient that goes back into it; alone: no gradients to add to."""
    facts, sums = stack.facts, stored(stack)
    t = _Recorder(ways.device, sums.tied or alone, ways.float16)
    layer = Layer(t, stack, ways)
    head = head_on(layer, sums.of_head > 0)
    x = t.input(per_token(facts.hidden_size), ways.flow_bits, wants_gradient=True)
    reads = t.key(x)
    result = loss(t, _normed(layer, x), head)
    del x
    last, elements = result.node, result.elements
    del result
    assert last is not None
    forward = t.logged()
    reached = t.backward(last, elements, 32)
    hands_on = t.key(reached)
    return Stream(forward, t.logged(), reads, -1, -1, hands_on)
