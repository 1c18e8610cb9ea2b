"""What a run is in batches, steps, tokens and pairs of tokens, padding included: one pass over the data, or step by step;
and what an evaluation is between two of them.

As the trainer batches the rows: `planner.facts.order` has its shuffle. Where rows were not counted, every batch is taken
to be full and as long as rows may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from planner.facts.data import DataFacts
from planner.facts.order import micro_batches, randperm, steps_per_epoch
from planner.facts.split import held_out, n_held_out, n_trained_on, trained_on
from planner.schedule import Schedule
from planner.timing.rates import Work


def work_of(data: DataFacts, schedule: Schedule) -> Work:
    """One epoch's work: the first epoch's batches."""
    s, cut = schedule, _cut(data, schedule)
    return _epoch(data, s.micro_batch, s.grad_accumulation, s.max_length, s.shuffle, s.seed, cut, s.eval_fraction)


def work_of_evaluation(data: DataFacts, schedule: Schedule) -> Work:
    """One pass over the rows held out, in the file's order; nothing where there are none."""
    size, longest_row = schedule.eval_batch or schedule.micro_batch, schedule.max_length
    cut = _cut(data, schedule)
    lengths = [min(n, longest_row) for n in _kept(data, cut, schedule.eval_fraction, schedule.seed, held=True)]
    if not data.lengths:
        lengths = [longest_row] * n_held_out(data.rows, schedule)
    batches = [lengths[i : i + size] for i in range(0, len(lengths), size)]
    tokens = [len(b) * max(b) for b in batches]
    return Work(len(batches), 0, sum(tokens), sum([n * max(b) for n, b in zip(tokens, batches, strict=True)]))


def evaluations_of(steps: int, schedule: Schedule) -> int:
    """How often a run of so many steps evaluates: every so many, and after the last."""
    if not schedule.eval_fraction:
        return 0
    every = schedule.eval_steps
    return steps // every + (steps % every > 0) if every else 1


def work_of_steps(data: DataFacts, schedule: Schedule, steps: int) -> tuple[Work, ...]:
    """The first steps of the run, one by one. Empty where the rows' lengths are not known."""
    lengths = [
        min(n, schedule.max_length) for n in _kept(data, _cut(data, schedule), schedule.eval_fraction, schedule.seed)
    ]
    if not lengths:
        return ()
    return tuple(islice(_steps(lengths, schedule), steps))


def _steps(lengths: list[int], schedule: Schedule) -> Iterator[Work]:
    """transformers begins a step anew with each epoch, so an epoch's last one may have fewer batches."""
    per_epoch = -(-len(lengths) // schedule.micro_batch)
    batches = tokens = pairs = 0
    for number, rows in enumerate(micro_batches(len(lengths), schedule)):
        longest = max([lengths[i] for i in rows])
        batches += 1
        tokens += len(rows) * longest
        pairs += len(rows) * longest * longest
        if batches == schedule.grad_accumulation or (number + 1) % per_epoch == 0:
            yield Work(batches, 1, tokens, pairs)
            batches = tokens = pairs = 0


def _cut(data: DataFacts, schedule: Schedule) -> int:
    """Where rows are dropped whose whole answer is cut away; 0 where none are (TRL, when only answers count)."""
    return schedule.max_length if schedule.completion_only and data.form == "prompt_completion" else 0


@lru_cache(maxsize=4096)
def _epoch(
    data: DataFacts,
    micro_batch: int,
    accumulation: int,
    max_length: int,
    shuffle: bool,
    seed: int,
    cut: int,
    held: float,
) -> Work:
    import numpy as np

    schedule = Schedule(micro_batch=micro_batch, grad_accumulation=accumulation, eval_fraction=held)
    drawn = _drawn(data, cut, shuffle, seed, held)
    rows = len(drawn)
    if not rows:
        rows = n_trained_on(data.rows, schedule) or micro_batch
        batches = -(-rows // micro_batch)
        return Work(batches, steps_per_epoch(rows, schedule), rows * max_length, rows * max_length * max_length)
    lengths = np.minimum(drawn, max_length)
    starts = np.arange(0, rows, micro_batch)
    longest = np.maximum.reduceat(lengths, starts)
    size = np.full(len(starts), micro_batch, dtype=np.int64)
    size[-1] = rows - starts[-1]
    tokens = size * longest
    return Work(len(starts), steps_per_epoch(rows, schedule), int(tokens.sum()), int((tokens * longest).sum()))


@lru_cache(maxsize=64)
def _drawn(data: DataFacts, cut: int, shuffle: bool, seed: int, held: float):  # type: ignore[no-untyped-def]  # numpy is imported late
    """An array of lengths in the order in which they are drawn."""
    import numpy as np

    lengths = np.asarray(_kept(data, cut, held, seed), dtype=np.int64)
    return lengths[np.asarray(randperm(len(lengths), seed), dtype=np.int64)] if shuffle and len(lengths) else lengths


def _kept(data: DataFacts, cut: int, share: float, seed: int, held: bool = False) -> tuple[int, ...]:
    """Lengths of the rows that are not dropped: of those trained on, or of those held out."""
    lengths, prompts = data.lengths, data.prompt_lengths
    if share or held:
        schedule = Schedule(eval_fraction=share, seed=seed)
        numbers = (held_out if held else trained_on)(len(lengths), schedule)
        lengths = tuple([lengths[i] for i in numbers])
        prompts = tuple([prompts[i] for i in numbers]) if prompts else ()
    if not cut or not prompts:
        return lengths
    return tuple([n for n, p in zip(lengths, prompts, strict=True) if p < min(n, cut)])
