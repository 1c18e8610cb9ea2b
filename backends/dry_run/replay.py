"""What a card's allocator makes of the births and deaths of a traced run: reserved, expandable, smallest capacity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from planner.allocator import Allocator, Event, smallest_capacity


class Replayed(NamedTuple):
    """Bytes. allocated: in whole blocks, as torch counts; reserved: of a card that never runs short; expandable: the same
    with expandable segments; smallest: the least capacity in which the same events still go."""

    allocated_bytes: int
    reserved_bytes: int
    expandable_bytes: int
    smallest_bytes: int


def replayed(events: Sequence[Event]) -> Replayed:
    """Follows the events of a `LiveTrace` through the model of torch's caching allocator."""
    free_running = Allocator().replay(events)
    expandable = Allocator(expandable_segments=True).replay(events)
    return Replayed(*free_running, expandable.reserved_bytes, smallest_capacity(events))


def unused_rests(events: Sequence[Event]) -> int:
    """Bytes of blocks beyond the tensors in them when all of these events are over, as after a model was loaded."""
    allocator = Allocator()
    allocator.replay(events)
    sizes: dict[int, int] = {}
    for number, size in events:
        if size >= 0:
            sizes[number] = size
    return allocator.allocated_bytes - sum(sizes.values())
