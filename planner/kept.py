"""What a card's allocator keeps of the card beside live tensors in training, in closed form.

Three things, seen in replays of whole steps (`planner.replay`) and in published runs that read both counters:
1. what the forward pass of one block works with stays cached as segments that are too small for the loss, so it stands
   beside the loss's peak. Backward finds both, and cuts them up: of the smaller one it has little use;
2. small tensors (up to 1 MiB) have segments of their own: gradients and the update's work of small adapters are kept
   through forward and backward, where nothing else may use them;
3. segments are rounded up and cut: two or three of a hundred bytes.
The update itself finds the room that activations left. All of it grows with the batch, as live bytes do; the order of
events makes it a little more or less, which is what low and high are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from planner.allocator import SMALL_BYTES
from planner.draft import Stack
from planner.ledger import DEVICE, At, Kind, Line
from planner.reserved import rests
from planner.slots import Slot
from planner.timeline import TRAINING
from planner.units import Num, maximum

CACHING = ("cuda", "rocm")
"""Kinds of device whose memory torch's caching allocator hands out."""

BACKWARD = ("layer_last", "layer_first")


def kept(
    totals: Mapping[At, Num], lines: Iterable[Line], stacks: tuple[Stack, ...], recompute: bool
) -> tuple[Num, Num, Num]:
    """Low, expected and high bytes beside the peak of `totals`, the live bytes of the card by instant.

    lines: all of the run; stacks: of one of its stages, as trained.
    """
    working: dict[tuple[int, str], Num] = {}
    logits: dict[tuple[int, str], Num] = {}
    update: Num = 0
    for _, kind, place, size, alive, slot, _ in lines:
        if kind is Kind.WORKSPACE and place is DEVICE:
            for step in _steps(alive, "forward_end"):
                working[step] = working.get(step, 0) + size
            if slot is Slot.OPTIMIZER:
                update = maximum(update, size)
        elif kind is Kind.LOGITS and place is DEVICE:
            for step in _steps(alive, "loss"):
                logits[step] = logits.get(step, 0) + size
    small, trained = small_and_all(stacks)
    small = small + share_of_update(small, update, trained)
    live: Num = 0
    most: Num = 0
    for at, total in totals.items():
        live = maximum(live, total)
        stage, phase, moment = at
        if moment == "loss":
            most = maximum(most, total + working.get((stage, phase), 0) + small)
        elif moment in BACKWARD:
            a, b = working.get((stage, phase), 0), logits.get((stage, phase), 0)
            most = maximum(most, total + a + b - maximum(a, b) + small)
        elif moment in TRAINING:
            most = maximum(most, total)
    share, below, above = rests(recompute)
    most = maximum(most + most * share // 1000, live)
    return maximum(most - most * below // 1000, live) - live, most - live, most + most * above // 1000 - live


def share_of_update(small: Num, update: Num, trained: Num) -> Num:
    """Of what an update works with, the part that belongs to small tensors. In floating point: the product of both is
    too large for 64 bits."""
    found = small * (update / maximum(trained, 1))
    return int(found) if isinstance(found, float) else found.astype("int64")


@lru_cache(maxsize=1024)
def _steps(alive: frozenset[At], moment: str) -> tuple[tuple[int, str], ...]:
    """Stage and phase of the steps whose instant of this name is among these."""
    return tuple((at.stage, at.phase) for at in alive if at.moment == moment)


@lru_cache(maxsize=1024)
def small_and_all(stacks: tuple[Stack, ...]) -> tuple[int, int]:
    """Bytes of what the small pool has of trained tensors, and of all that are trained.

    One a little too large for that pool still cuts up a segment, so it counts as the largest that is not: more rank
    never means less.
    """
    trained = [x for stack in stacks for x in stack.tensors if x.trained and not x.tied]
    return sum(x.count * min(x.bytes // x.count, SMALL_BYTES) for x in trained), sum(x.bytes for x in trained)
