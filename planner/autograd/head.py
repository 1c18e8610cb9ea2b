"""What the end of the model needs in a training step: final norm, head and loss, both ways, run once on the tape.

The loss itself is written elsewhere (`planner.training.losses`, or a technique); this only runs it between the last
block and the gradient that goes back into it. In these amounts the second part counts rows of a tile or tokens of a
piece instead of positions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from planner.autograd.amount import Amount, per_token
from planner.autograd.layer import Layer
from planner.autograd.operations import scale
from planner.autograd.pointwise import tanh
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Draft, Stack, Ways, one_of_alike
from planner.facts.model.families import FAMILIES
from planner.stored import stored


class Head:
    """The head as a loss reads it: plain, packed or with an adapter beside it.

    held: values that the loop still holds when backward is over.
    """

    __slots__ = ("_layer", "_site", "held", "plain", "vocabulary", "weight")

    def __init__(self, layer: Layer, name: str, weight: Weight) -> None:
        facts = layer.facts
        self._layer, self.weight, self.vocabulary = layer, weight, facts.vocab_size
        self._site = layer.site(name, weight.elements // facts.vocab_size, facts.vocab_size)
        self.plain = self._site.adapter is None and not (name and layer.is_packed(name))
        self.held: list[Value] = []

    @property
    def compute_bits(self) -> int:
        return self._layer.ways.compute_bits

    @property
    def copied_bytes(self) -> int:
        """Under autocast, of the 16-bit copy that each matmul with a frozen wider matrix makes anew and keeps."""
        ways = self._layer.ways
        frozen = ways.autocast and self.plain and not self.weight.trained and self.weight.bits > ways.compute_bits
        return self.weight.elements * ways.compute_bits // 8 if frozen else 0

    def logits(self, hidden: Value) -> Value:
        """The head's matmul in the run's own way; its result goes through cap × tanh(x ÷ cap) where the model caps."""
        if not self._layer.facts.soft_caps:
            return self._matmul(hidden)
        t = self._layer.t
        return scale(t, tanh(t, scale(t, self._matmul(hidden))))

    def _matmul(self, hidden: Value) -> Value:
        layer, site = self._layer, self._site
        if not self.plain:
            return layer.matmul(site, hidden)
        bias = layer.weight(f"{site.weight}.bias") if site.bias else None
        return layer.plain(hidden, self.weight, self.vocabulary, bias)


def head_on(layer: Layer, trained: bool) -> Head:
    """The stack's head; one without a weight where an encoder has none, for losses that do not ask it for logits."""
    name = next((x.name for x in layer.stack.tensors if x.role == "head"), "")
    weight = layer.weight(name) if name else Weight(0, layer.ways.compute_bits, False)
    return Head(layer, name, Weight(weight.elements, weight.bits, trained))


Loss: TypeAlias = "Callable[[Tape, Value, Head], Value]"
"""(tape, hidden, head) → the loss. Hashable: what a loss needs is worked out once for each."""


def head_of(draft: Draft, loss: Loss) -> tuple[Amount, ...]:
    """The fullest instants between the last block's forward and its backward, all bytes made there counted."""
    return _both_ways(draft, loss)[1]


def head_forward_of(draft: Draft, loss: Loss) -> tuple[Amount, ...]:
    """The same up to the loss alone."""
    return _both_ways(draft, loss)[0]


def _both_ways(draft: Draft, loss: Loss) -> tuple[tuple[Amount, ...], tuple[Amount, ...]]:
    alone = draft.schedule.grad_accumulation == 1 and not draft.loop.takes_gradients
    stack, sums = draft.stacks[-1], stored(draft.stacks[-1])
    # a tied head's gradient waits for the embedding's, others are added at once to those of earlier micro-batches
    return _run(loss, _end_of(stack), _of_head(draft.ways), sums.tied or alone, sums.of_head > 0)


@lru_cache(maxsize=1024)
def _end_of(stack: Stack) -> Stack:
    """Only what stands behind the last block: stacks that differ in their blocks have equal ends, which are run once."""
    names = tuple(x.name for x in stack.tensors if x.role in ("head", "final norm"))
    tensors = tuple(x for x in stack.tensors if x.name in names or x.name.rpartition(".")[0] in names)
    sites = tuple(site for site in stack.sites if site.weight in names)
    return one_of_alike(stack.facts, stack.layers, tensors, sites, stack.kind)


def _of_head(ways: Ways) -> Ways:
    """Without what only blocks do."""
    return ways._replace(attend=_no_attention, mask_bits=0, recompute=False)


def _no_attention(*_: object) -> tuple[Value, None]:
    raise AssertionError("there is no attention behind the last block")


@lru_cache(maxsize=4096)
def _run(
    loss: Loss, stack: Stack, ways: Ways, gradients_stay: bool, trained: bool
) -> tuple[tuple[Amount, ...], tuple[Amount, ...]]:
    facts = stack.facts
    t = Tape(ways.device, gradients_stay, ways.float16)
    t.enter("forward")
    layer = Layer(t, stack, ways)
    head = head_on(layer, trained)
    x = t.input(per_token(facts.hidden_size), ways.flow_bits, wants_gradient=True)
    result = loss(t, _normed(layer, x), head)
    del x
    last, elements = result.node, result.elements
    del result
    assert last is not None
    t.note()
    forward = t.fullest("forward")
    reached = t.backward(last, elements, 32)
    del reached, last
    head.held.clear()
    t.gradients.clear()
    return forward, t.fullest("forward")


def _normed(layer: Layer, x: Value) -> Value:
    """The final norm, of the family's kind; some models have none."""
    name = next((x.name for x in layer.stack.tensors if x.role == "final norm"), "")
    if not name:
        return x
    return FAMILIES[layer.facts.family].norm(layer, name, x)


def head_without_gradient_of(draft: Draft, loss: Loss) -> tuple[Amount, ...]:
    """The fullest instants of norm, head and loss where nothing is kept for a way back."""
    return _forward_alone(loss, draft.stacks[-1], draft.ways)


@lru_cache(maxsize=1024)
def _forward_alone(loss: Loss, stack: Stack, ways: Ways) -> tuple[Amount, ...]:
    t = Tape(ways.device, False, ways.float16)
    t.recording = False
    t.enter("forward")
    layer = Layer(t, stack, ways)
    head = head_on(layer, False)
    x = t.input(per_token(layer.facts.hidden_size), ways.flow_bits)
    normed = _normed(layer, x)
    del x  # the model's forward names what it goes on with by the same word
    result = loss(t, normed, head)
    del normed, result
    head.held.clear()
    return t.fullest("forward")
