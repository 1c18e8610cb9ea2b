"""The allocator's model takes from the card what the documented rules of torch's allocator say, whatever is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.allocator import EMPTY_CACHE, Allocator, Event, OutOfMemoryError
from planner.units import KIB, MIB


def after(*events: Event, expandable: bool = False) -> Allocator:
    allocator = Allocator(expandable_segments=expandable)
    allocator.replay(events)
    return allocator


@pytest.mark.parametrize(
    ("asked", "allocated", "reserved"),
    [
        (1, 512, 2 * MIB),
        (513, 1024, 2 * MIB),
        (MIB, MIB, 2 * MIB),
        (MIB + 1, MIB + 512, 20 * MIB),
        (10 * MIB - 512, 10 * MIB - 512, 20 * MIB),
        (10 * MIB, 10 * MIB, 10 * MIB),
        (11 * MIB + 1, 12 * MIB, 12 * MIB),  # a rest of up to 1 MiB is not split off
        (13 * MIB, 14 * MIB, 14 * MIB),
        (12 * MIB + 512, 12 * MIB + 512, 14 * MIB),  # a rest of more than 1 MiB is
    ],
)
def test_a_first_request_is_rounded_and_takes_a_segment_of_its_kind(asked: int, allocated: int, reserved: int) -> None:
    allocator = after((1, asked))
    assert (allocator.allocated_bytes, allocator.reserved_bytes) == (allocated, reserved)


def test_small_requests_share_a_segment_of_two_mebibytes() -> None:
    assert after(*[(i, 512 * KIB) for i in range(4)]).reserved_bytes == 2 * MIB
    assert after(*[(i, 512 * KIB) for i in range(5)]).reserved_bytes == 4 * MIB


def test_the_smallest_free_block_that_fits_is_taken() -> None:
    free = [(1, 40 * MIB), (2, 30 * MIB), (3, 50 * MIB), (1, 0), (2, 0), (3, 0)]
    allocator = after(*free, (4, 30 * MIB), (5, 40 * MIB), (6, 50 * MIB))
    assert allocator.reserved_bytes == 120 * MIB  # any other choice would need a new segment for one of them


def test_a_block_too_small_by_a_little_is_of_no_use() -> None:
    assert after((1, 40 * MIB), (1, 0), (2, 42 * MIB)).reserved_bytes == 82 * MIB


def test_small_and_large_requests_never_share_memory() -> None:
    assert after((1, 100 * MIB), (1, 0), (2, MIB)).reserved_bytes == 102 * MIB


def test_free_neighbours_are_joined_and_serve_a_larger_request() -> None:
    pieces = [(1, 60 * MIB), (1, 0), (2, 20 * MIB), (3, 20 * MIB), (4, 20 * MIB)]
    assert after(*pieces, (2, 0), (3, 0), (5, 40 * MIB)).reserved_bytes == 60 * MIB
    assert after(*pieces, (2, 0), (4, 0), (5, 40 * MIB)).reserved_bytes == 100 * MIB


def test_an_emptied_cache_gives_back_only_segments_in_which_nothing_lives() -> None:
    cut = [(1, 60 * MIB), (1, 0), (2, 20 * MIB), (3, 30 * MIB), (3, 0)]
    assert after(*cut, EMPTY_CACHE).reserved_bytes == 60 * MIB  # the second came out of the first one's rest
    assert after((1, 60 * MIB), (2, 30 * MIB), (2, 0), EMPTY_CACHE).reserved_bytes == 60 * MIB


def test_unused_segments_are_given_back_before_a_card_is_full() -> None:
    events: list[Event] = [(1, 60 * MIB), (1, 0), (2, 80 * MIB)]
    assert after(*events).reserved_bytes == 140 * MIB
    limited = Allocator(100 * MIB)
    assert limited.replay(events).reserved_bytes == 80 * MIB
    with pytest.raises(OutOfMemoryError):
        Allocator(78 * MIB).replay(events)


def test_expandable_segments_grow_by_pages_and_leave_no_gaps() -> None:
    growing: list[Event] = [(1, 40 * MIB), (1, 0), (2, 42 * MIB), (2, 0), (3, 61 * MIB)]
    assert after(*growing).reserved_bytes == 40 * MIB + 42 * MIB + 62 * MIB
    assert after(*growing, expandable=True).reserved_bytes == 80 * MIB
    assert after((1, 513), expandable=True).reserved_bytes == 2 * MIB


def test_expandable_segments_give_back_whole_pages_between_what_lives() -> None:
    events: list[Event] = [(1, 20 * MIB), (2, 50 * MIB), (3, 20 * MIB), (2, 0), EMPTY_CACHE]
    allocator = after(*events, expandable=True)
    assert allocator.reserved_bytes == 60 * MIB  # 20 + 50 + 20 of 100; pages 2 and 3 of five lay wholly in the second
    allocator.take(4, 40 * MIB)
    assert allocator.reserved_bytes == 100 * MIB


# laws

Draw = st.lists(st.tuples(st.integers(1, 128 * MIB), st.integers(0, 9)), max_size=60)


def events_of(drawn: Sequence[tuple[int, int]]) -> list[Event]:
    """Births, and deaths of any living tensor; now and then the cache is emptied."""
    events: list[Event] = []
    living: list[int] = []
    for key, (size, what) in enumerate(drawn):
        if what == 9:
            events.append(EMPTY_CACHE)
        elif what > 4 and living:
            events.append((living.pop(size % len(living)), 0))
        else:
            # mostly small and medium ones, where the pools meet
            events.append((key, size >> (what * 4) or 1))
            living.append(key)
    return events


@settings(max_examples=60, deadline=None)
@given(Draw, st.booleans())
def test_reserved_covers_allocated_and_blocks_never_overlap(drawn: list[tuple[int, int]], expandable: bool) -> None:
    allocator = Allocator(expandable_segments=expandable)
    for event in events_of(drawn):
        allocator.replay([event])
        blocks = sorted(allocator._blocks.values(), key=lambda block: block.address)
        assert all(a.address + a.size <= b.address for a, b in pairwise(blocks))
        assert sum(block.size for block in blocks if block.mapped) == allocator.reserved_bytes
        assert sum(block.size for block in blocks if not block.free) == allocator.allocated_bytes
        assert allocator.allocated_bytes <= allocator.reserved_bytes


@settings(max_examples=60, deadline=None)
@given(Draw, st.booleans())
def test_all_freed_and_emptied_is_nothing_reserved(drawn: list[tuple[int, int]], expandable: bool) -> None:
    allocator = Allocator(expandable_segments=expandable)
    allocator.replay(events_of(drawn))
    for key in tuple(allocator._in_use):
        allocator.give(key)
    allocator.empty_cache()
    assert (allocator.allocated_bytes, allocator.reserved_bytes) == (0, 0)


@given(Draw)
def test_the_same_events_always_come_to_the_same(drawn: list[tuple[int, int]]) -> None:
    assert Allocator().replay(events_of(drawn)) == Allocator().replay(events_of(drawn))
