"""In which order the trainer draws the rows, reproduced without torch, so that real batches are known before a run.

transformers 5.23 hands a RandomSampler to accelerate 1.15, which makes it a SeedableRandomSampler: epoch e draws
`torch.randperm(n)` from a CPU generator seeded with seed + e. That generator is MT19937 with Knuth's initialiser, and
randperm (ATen, n below 2**32 / 20) swaps element i with i + random() % (n − i). Tests hold this against the trainer.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from functools import lru_cache

from planner.schedule import Schedule

_WORDS = 624  # of MT19937's state


def seeded(seed: int) -> random.Random:
    """Python's MT19937 in the state that torch's manual_seed gives; Python's own seeding is another one."""
    word = seed & 0xFFFFFFFF
    state = [word]
    for i in range(1, _WORDS):
        word = (1812433253 * (word ^ (word >> 30)) + i) & 0xFFFFFFFF
        state.append(word)
    generator = random.Random()  # noqa: S311 - reproduces the trainer's shuffle, keeps no secret
    generator.setstate((3, (*state, _WORDS), None))
    return generator


@lru_cache(maxsize=64)
def randperm(n: int, seed: int) -> tuple[int, ...]:
    """`torch.randperm(n, generator=torch.Generator().manual_seed(seed))` as a tuple."""
    bits = seeded(seed).getrandbits
    order = list(range(n))
    for i in range(n - 1):
        j = i + bits(32) % (n - i)
        order[i], order[j] = order[j], order[i]
    return tuple(order)


def steps_per_epoch(rows: int, schedule: Schedule) -> int:
    """Optimizer steps of one pass; the last may gather fewer micro-batches (transformers rounds up, at least one)."""
    micro_batches = math.ceil(rows / schedule.micro_batch)
    return max(math.ceil(micro_batches / schedule.grad_accumulation), 1)


def total_steps(rows: int, schedule: Schedule) -> int:
    """Optimizer steps of the whole run: the step limit where there is one, else epochs × steps, rounded up."""
    if schedule.max_steps > 0:
        return schedule.max_steps
    return math.ceil(schedule.epochs * steps_per_epoch(rows, schedule))


def epochs_begun(rows: int, schedule: Schedule) -> int:
    """Passes over the data that are at least begun."""
    return math.ceil(total_steps(rows, schedule) / steps_per_epoch(rows, schedule))


def micro_batches(rows: int, schedule: Schedule) -> Iterator[tuple[int, ...]]:
    """The row numbers of every micro-batch of the run, in the order in which the trainer takes them. rows: those trained on."""
    size = schedule.micro_batch
    per_epoch, left = steps_per_epoch(rows, schedule), total_steps(rows, schedule)
    for epoch in range(epochs_begun(rows, schedule)):
        order = randperm(rows, schedule.seed + epoch) if schedule.shuffle else tuple(range(rows))
        end = min(left, per_epoch) * schedule.grad_accumulation * size
        for start in range(0, min(rows, end), size):
            yield order[start : start + size]
        left -= per_epoch
