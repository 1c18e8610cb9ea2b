"""Laws of the smallest capacity, on random rows of births and deaths."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.allocator import EMPTY_CACHE, Allocator, Event, OutOfMemoryError, smallest_capacity
from planner.units import MIB

STEP = 2 * MIB
SIZES = st.one_of(st.integers(1, 3 * MIB), st.integers(MIB, 40 * MIB))


@st.composite
def rows_of_events(draw: st.DrawFn) -> list[Event]:
    alive: list[int] = []
    events: list[Event] = []
    for key in range(draw(st.integers(1, 40))):
        events.append((key, draw(SIZES)))
        alive.append(key)
        while alive and draw(st.booleans()):
            events.append((alive.pop(draw(st.integers(0, len(alive) - 1))), 0))
        if draw(st.integers(0, 12)) == 0:
            events.append(EMPTY_CACHE)
    return events


@given(rows_of_events())
@settings(max_examples=60, deadline=None)
def test_it_lies_between_what_is_allocated_and_what_is_reserved(events: list[Event]) -> None:
    free_running = Allocator().replay(events)
    smallest = smallest_capacity(events)
    assert free_running.allocated_bytes <= smallest <= free_running.reserved_bytes
    assert smallest % STEP == 0


@given(rows_of_events())
@settings(max_examples=60, deadline=None)
def test_the_events_go_in_it_and_not_in_one_step_less(events: list[Event]) -> None:
    smallest = smallest_capacity(events)
    assert Allocator(smallest).replay(events).reserved_bytes <= smallest
    with pytest.raises(OutOfMemoryError):
        Allocator(smallest - STEP).replay(events)


@given(rows_of_events(), SIZES)
@settings(max_examples=40, deadline=None)
def test_a_tensor_more_in_the_end_never_needs_less(events: list[Event], size: int) -> None:
    assert smallest_capacity([*events, (10**6, size)]) >= smallest_capacity(events)


def test_segments_that_stay_unused_are_what_lies_between() -> None:
    events = [(0, 30 * MIB), (0, 0), (1, 50 * MIB)]  # the first one's segment is too small for the second
    assert Allocator().replay(events).reserved_bytes == 80 * MIB
    assert smallest_capacity(events) == 50 * MIB


def test_a_replay_tells_what_expandable_segments_would_save() -> None:
    """Each tensor is a little larger than the one before: segments of fixed size fit none of them again."""
    pytest.importorskip("torch", reason="needs the [train] extra")
    from backends.dry_run.replay import replayed

    events: list[Event] = [(0, 30 * MIB), (0, 0), (1, 50 * MIB), (1, 0), (2, 70 * MIB)]
    came = replayed(events)
    assert came.allocated_bytes == came.smallest_bytes == 70 * MIB
    assert came.reserved_bytes == (30 + 50 + 70) * MIB
    assert came.expandable_bytes == 80 * MIB  # one segment, grown by whole pages of 20 MiB
