"""What one pass over the data is, in batches, steps, tokens and pairs of tokens, padding included.

As the trainer batches the rows: `planner.facts.order` has its shuffle. Where rows were not counted, every batch is taken
to be full and as long as rows may be.
"""

from __future__ import annotations

from functools import lru_cache

from planner.facts.data import DataFacts
from planner.facts.order import randperm, steps_per_epoch
from planner.schedule import Schedule
from planner.timing.rates import Work


def work_of(data: DataFacts, schedule: Schedule) -> Work:
    """One epoch's work: the first epoch's batches."""
    answers = schedule.completion_only and data.form == "prompt_completion"
    return _work(data, schedule.micro_batch, schedule.grad_accumulation, schedule.max_length, schedule.shuffle,
                 schedule.seed, answers)  # fmt: skip


@lru_cache(maxsize=4096)
def _work(
    data: DataFacts, micro_batch: int, accumulation: int, max_length: int, shuffle: bool, seed: int, answers: bool
) -> Work:
    import numpy as np

    schedule = Schedule(micro_batch=micro_batch, grad_accumulation=accumulation)
    lengths = np.minimum(np.asarray(_in_order(data, max_length if answers else 0, shuffle, seed)), max_length)
    rows = len(lengths)
    if not rows:
        rows = data.rows or micro_batch
        batches = -(-rows // micro_batch)
        return Work(batches, steps_per_epoch(rows, schedule), rows * max_length, rows * max_length * max_length)
    starts = np.arange(0, rows, micro_batch)
    longest = np.maximum.reduceat(lengths, starts).astype(np.int64)
    size = np.full(len(starts), micro_batch, dtype=np.int64)
    size[-1] = rows - starts[-1]
    tokens = size * longest
    return Work(len(starts), steps_per_epoch(rows, schedule), int(tokens.sum()), int((tokens * longest).sum()))


@lru_cache(maxsize=64)
def _in_order(data: DataFacts, cut: int, shuffle: bool, seed: int) -> tuple[int, ...]:
    """Lengths in the order in which they are drawn. cut: drop rows that lose their whole answer to it; 0: none."""
    lengths = data.lengths
    if cut and data.prompt_lengths:
        lengths = tuple(n for n, p in zip(lengths, data.prompt_lengths, strict=True) if p < min(n, cut))
    return tuple([lengths[i] for i in randperm(len(lengths), seed)]) if shuffle else lengths
