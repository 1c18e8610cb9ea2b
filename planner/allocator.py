"""torch's caching allocator of a graphics card, in sizes: what it takes from the driver for a row of requests.

Between the bytes of live tensors (allocated) and the bytes taken from the card (reserved) lie the rules of this
allocator, and they depend on the order of events. So it is replayed, never summed. The rules are those of
c10/cuda/CUDACachingAllocator.cpp (torch 2.1 to 2.13, defaults): requests rounded to 512 bytes; up to 1 MiB out of
segments of 2 MiB, below 10 MiB out of segments of 20 MiB, else segments of the request rounded to 2 MiB; the smallest
free block that fits, at the lowest address among equals; its rest split off where that is worth it; free neighbours
joined; segments given back only by `empty_cache` or when the card has no more. One stream; no graphs; none of the
options of PYTORCH_CUDA_ALLOC_CONF but `expandable_segments`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from planner.units import MIB

Event: TypeAlias = "tuple[int, int]"
"""(key, bytes): a tensor is made; (key, 0): it dies. Keys are any integers, free for use again after the death."""

EMPTY_CACHE: Event = (-1, -1)

ROUNDING_BYTES = 512
SMALL_BYTES = 1 * MIB  # kSmallSize: the largest request of the small pool
SMALL_SEGMENT_BYTES = 2 * MIB  # kSmallBuffer
MEDIUM_BYTES = 10 * MIB  # kMinLargeAlloc
MEDIUM_SEGMENT_BYTES = 20 * MIB  # kLargeBuffer; also the page of an expandable segment of the large pool
LARGE_ROUNDING_BYTES = 2 * MIB  # kRoundLarge
SPAN_BYTES = MEDIUM_SEGMENT_BYTES << 24  # addresses of an expandable segment: whole pages, more than any card has


class OutOfMemoryError(Exception):
    """No room within the capacity, even with all unused segments given back."""


class Peaks(NamedTuple):
    """What a row of events came to: the most allocated and the most reserved."""

    allocated_bytes: int
    reserved_bytes: int


def smallest_capacity(events: Sequence[Event], step_bytes: int = LARGE_ROUNDING_BYTES) -> int:
    """The least that a card's allocator must be given so that these events still go, in whole steps.

    With less room it gives unused segments back and asks again; so this lies between the most that is allocated and
    what it reserves without a limit. By bisection, which takes for granted that more room never makes it fail.
    """
    free_running = Allocator().replay(events)
    least, enough = (free_running.allocated_bytes - 1) // step_bytes, -(-free_running.reserved_bytes // step_bytes)
    while least + 1 < enough:
        middle = (least + enough) // 2
        try:
            Allocator(middle * step_bytes).replay(events)
            enough = middle
        except OutOfMemoryError:
            least = middle
    return enough * step_bytes


class _Block:
    __slots__ = ("address", "following", "free", "mapped", "previous", "size", "small")

    def __init__(self, address: int, size: int, small: bool) -> None:
        self.address, self.size, self.small = address, size, small
        self.free = self.mapped = True
        self.previous: _Block | None = None
        self.following: _Block | None = None


class Allocator:
    """One card's allocator. capacity_bytes: what it may take from the driver; None for a card without end."""

    def __init__(self, capacity_bytes: int | None = None, expandable_segments: bool = False) -> None:
        self.capacity_bytes = capacity_bytes
        self.expandable = expandable_segments
        self.allocated_bytes = self.reserved_bytes = 0
        self.peak_allocated_bytes = self.peak_reserved_bytes = 0
        self._blocks: dict[int, _Block] = {}  # every block by its address
        self._in_use: dict[int, _Block] = {}  # by the tensor's key
        self._free: dict[bool, list[tuple[int, int]]] = {True: [], False: []}  # (size, address) of mapped free ones
        self._next_address = 0
        self._spans: dict[bool, _Block] = {}  # first block of the expandable segment of a pool

    # requests

    def take(self, key: int, n_bytes: int) -> None:
        """A tensor of n_bytes is made. Raises OutOfMemoryError where the capacity does not allow it."""
        assert key not in self._in_use, f"tensor {key} is already there"
        size = -(-n_bytes // ROUNDING_BYTES) * ROUNDING_BYTES or ROUNDING_BYTES
        small = size <= SMALL_BYTES
        block = self._found(size, small) or self._grown(size, small)
        if block is None:
            self.empty_cache()
            block = self._grown(size, small)
            if block is None:
                raise OutOfMemoryError(f"no room for {n_bytes} bytes beside {self.reserved_bytes} reserved")
        rest = block.size - size
        if rest >= ROUNDING_BYTES if (small or self.expandable) else rest > SMALL_BYTES:
            self._split(block, size)
        block.free = False
        self._in_use[key] = block
        self.allocated_bytes += block.size
        if self.allocated_bytes > self.peak_allocated_bytes:
            self.peak_allocated_bytes = self.allocated_bytes

    def give(self, key: int) -> None:
        """The tensor dies; its block is joined with free neighbours and kept."""
        block = self._in_use.pop(key)
        self.allocated_bytes -= block.size
        block.free = True
        for neighbour in (block.previous, block.following):
            if neighbour is not None and neighbour.free and neighbour.mapped:
                self._forget_free(neighbour)
                block = self._joined(block, neighbour)
        self._remember_free(block)

    def empty_cache(self) -> None:
        """Gives every segment back in which nothing lives; an expandable one gives back its whole free pages."""
        for small, free in self._free.items():
            for size, address in tuple(free):
                block = self._blocks[address]
                if self.expandable:
                    self._unmap(block, MEDIUM_SEGMENT_BYTES if not small else SMALL_SEGMENT_BYTES)
                elif block.previous is None and block.following is None:
                    free.remove((size, address))
                    del self._blocks[address]
                    self.reserved_bytes -= size

    def replay(self, events: Iterable[Event]) -> Peaks:
        """Follows the events from the present state."""
        for key, n_bytes in events:
            if n_bytes > 0:
                self.take(key, n_bytes)
            elif n_bytes == 0:
                self.give(key)
            else:
                self.empty_cache()
        return Peaks(self.peak_allocated_bytes, self.peak_reserved_bytes)

    # blocks

    def _found(self, size: int, small: bool) -> _Block | None:
        """The best free block: the smallest, then the lowest. One that can grow counts with what it can grow to."""
        free = self._free[small]
        i = bisect_left(free, (size, 0))
        if i == len(free):
            return None
        if self.expandable:
            while i + 1 < len(free) and self._reach(free[i + 1]) < self._reach(free[i]):
                i += 1
        return self._blocks[free.pop(i)[1]]

    def _reach(self, entry: tuple[int, int]) -> int:
        after = self._blocks[entry[1]].following
        return entry[0] + (after.size if after is not None and not after.mapped else 0)

    def _grown(self, size: int, small: bool) -> _Block | None:
        """A block out of new memory, free and not in the list of free ones; None beyond the capacity."""
        if self.expandable:
            return self._mapped(size, small)
        if small:
            segment = SMALL_SEGMENT_BYTES
        elif size < MEDIUM_BYTES:
            segment = MEDIUM_SEGMENT_BYTES
        else:
            segment = -(-size // LARGE_ROUNDING_BYTES) * LARGE_ROUNDING_BYTES
        if not self._reserve(segment):
            return None
        block = _Block(self._next_address, segment, small)
        self._next_address += segment + LARGE_ROUNDING_BYTES  # a gap: segments are never joined
        self._blocks[block.address] = block
        return block

    def _reserve(self, n_bytes: int) -> bool:
        if self.capacity_bytes is not None and self.reserved_bytes + n_bytes > self.capacity_bytes:
            return False
        self.reserved_bytes += n_bytes
        self.peak_reserved_bytes = max(self.peak_reserved_bytes, self.reserved_bytes)
        return True

    def _split(self, block: _Block, size: int) -> _Block:
        """Cuts a block after `size`; the rest, put among the free where it is mapped, is returned."""
        rest = _Block(block.address + size, block.size - size, block.small)
        rest.previous, rest.following, rest.mapped = block, block.following, block.mapped
        if block.following is not None:
            block.following.previous = rest
        block.following, block.size = rest, size
        self._blocks[rest.address] = rest
        if rest.mapped:
            self._remember_free(rest)
        return rest

    def _joined(self, block: _Block, neighbour: _Block) -> _Block:
        first, second = (block, neighbour) if block.address < neighbour.address else (neighbour, block)
        first.size += second.size
        first.following = second.following
        if second.following is not None:
            second.following.previous = first
        del self._blocks[second.address]
        return first

    def _remember_free(self, block: _Block) -> None:
        insort(self._free[block.small], (block.size, block.address))

    def _forget_free(self, block: _Block) -> None:
        free = self._free[block.small]
        del free[bisect_left(free, (block.size, block.address))]

    # expandable segments: one for each pool, its pages mapped where they are needed

    def _mapped(self, size: int, small: bool) -> _Block | None:
        """Maps pages at the lowest address where the block fits, beginning with a free block before them."""
        page = SMALL_SEGMENT_BYTES if small else MEDIUM_SEGMENT_BYTES
        block = self._room(size, small)
        if block.mapped:
            self._forget_free(block)
        while True:
            if not block.mapped and not self._map(block, min(block.size, size), page):
                return None
            if block.size >= size:
                return block
            after = block.following
            assert after is not None
            if after.mapped:
                self._forget_free(after)
            elif not self._map(after, min(after.size, size - block.size), page):
                self._remember_free(block)
                return None
            self._joined(block, after)

    def _room(self, size: int, small: bool) -> _Block:
        """The first run of free or unmapped blocks, one of them unmapped, that is long enough together."""
        if small not in self._spans:
            # each pool has addresses of its own, on whole pages
            span = _Block((2 - small) * SPAN_BYTES, SPAN_BYTES, small)
            span.mapped = False
            self._spans[small] = self._blocks[span.address] = span
        block: _Block | None = self._spans[small]
        while block is not None:
            run, end, has_unmapped = 0, block, False
            start = block
            while run < size and end.free:
                run += end.size
                has_unmapped = has_unmapped or not end.mapped
                if end.following is None:
                    break
                end = end.following
            if run >= size and has_unmapped:
                return start
            block = block.following
        raise AssertionError("an expandable segment has no end")

    def _map(self, block: _Block, size: int, page: int) -> bool:
        """Backs the first pages of an unmapped block with memory; what stays without is split off."""
        n_bytes = min(-(-size // page) * page, block.size)
        if not self._reserve(n_bytes):
            return False
        if n_bytes < block.size:
            self._split(block, n_bytes)
        block.mapped = True
        after = block.following
        if after is not None and after.free and after.mapped:
            self._forget_free(after)
            self._joined(block, after)
        return True

    def _unmap(self, block: _Block, page: int) -> None:
        """Gives back the whole pages of a free block."""
        begin = -(-block.address // page) * page
        end = (block.address + block.size) // page * page
        if end <= begin:
            return
        self._forget_free(block)
        if begin > block.address:
            middle = self._split(block, begin - block.address)
            self._remember_free(block)
            self._forget_free(middle)
            block = middle
        if block.address + block.size > end:
            self._split(block, end - block.address)
        block.mapped = False
        self.reserved_bytes -= block.size
        for neighbour in (block.previous, block.following):
            if neighbour is not None and not neighbour.mapped:
                block = self._joined(block, neighbour)
