"""What the planner knows about a data set: rows, form, token lengths, and the longest batch that will really occur."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from planner.facts.counts import counts_of, drops
from planner.facts.mapping import UNMAPPED
from planner.facts.mapping import Mapping as ColumnMapping
from planner.facts.order import epochs_begun, micro_batches
from planner.facts.split import held_out, n_held_out, trained_on
from planner.schedule import Schedule
from planner.units import Num

DRAWN_LIMIT = 100_000  # rows drawn in the whole run, above which batches are bounded instead of drawn


@dataclass(frozen=True, slots=True)
class BatchShape:
    """The padded batch on the device. tokens = rows × seq. padded: some row is shorter, so a mask reaches attention.

    certain: False when the lengths were estimated, or the rows that meet in one batch are not known.
    """

    rows: Num
    seq: Num
    padded: bool = True
    certain: bool = True

    @property
    def tokens(self) -> Num:
        return self.rows * self.seq


@dataclass(frozen=True)
class DataFacts:
    """One data set. lengths: tokens per row in file order (chat template applied, not cut), empty when unknown.
    prompt_lengths: of them the prompt's, for prompt–completion rows; empty when unknown or for messages.

    form: what is trained on, messages, prompt_completion or text. mapping: how rows are made of the file's columns.
    file_format: jsonl, json, csv, parquet, datasets or text. notes: what to know of how the file is read, in sentences.
    lengths_from: counted (by the model's tokenizer), estimated (from characters) or unknown. tokenizer: digest of the
    tokenizer and chat template that counted them (`ModelFacts.tokenizer`). sample_prompt: a question from the data, for
    the before-and-after answer.
    """

    name: str
    path: str
    form: str
    rows: int
    size_bytes: int
    sha256: str
    lengths: tuple[int, ...] = field(default=(), hash=False)  # long; sha256 and tokenizer stand for them in the hash
    lengths_from: str = "unknown"
    tokenizer: str = ""
    sample_prompt: str = ""
    prompt_lengths: tuple[int, ...] = field(default=(), hash=False)
    mapping: ColumnMapping = UNMAPPED
    file_format: str = "jsonl"
    notes: tuple[str, ...] = ()


def longest_batch(data: DataFacts, schedule: Schedule) -> BatchShape:
    """The batch with the most tokens, padding included, that will really occur in this run.

    Among equals the one with longer rows comes first (attention grows with the square), then one that needs a mask.
    Not certain, and an upper bound, when lengths are not counted, or the data is too large to draw.
    """
    return batches(data, schedule).heaviest[0]


class Batches(NamedTuple):
    """The micro-batches of a run. heaviest: every shape that no other beats in tokens and in rows × seq², of padded ones and
    of equally long ones: which of the two needs more is a matter of the attention.

    Mostly one shape or two. A third is, say, a last batch of one long row, which only eager attention may find heavier.
    different: how many token counts there are, padding included; as many as there could be where they are not drawn.
    evaluated: of the batches of an evaluation the same as heaviest of those of training; empty where none is made. sizes:
    the token counts, where they are drawn.
    """

    heaviest: tuple[BatchShape, ...]
    different: int
    evaluated: tuple[BatchShape, ...] = ()
    sizes: frozenset[int] = frozenset()

    @property
    def together(self) -> tuple[tuple[BatchShape, BatchShape | None], ...]:
        """Every shape of training with every one of an evaluation, or with none."""
        return tuple([(shape, other) for shape in self.heaviest for other in self.evaluated or (None,)])


def batches(data: DataFacts, schedule: Schedule) -> Batches:
    """The batches that will really occur in this run; drawn once for each data set and order."""
    return _drawn(data, _what_orders(schedule))


@lru_cache(maxsize=1024)
def _what_orders(schedule: Schedule) -> Schedule:
    """Only what rows and batches depend on, so that a new learning rate draws nothing anew."""
    return Schedule(
        micro_batch=schedule.micro_batch,
        max_length=schedule.max_length,
        grad_accumulation=schedule.grad_accumulation,
        epochs=schedule.epochs,
        max_steps=schedule.max_steps,
        shuffle=schedule.shuffle,
        completion_only=schedule.completion_only,
        seed=schedule.seed,
        eval_fraction=schedule.eval_fraction,
        eval_batch=schedule.eval_batch,
    )


@lru_cache(maxsize=4096)
def _drawn(data: DataFacts, schedule: Schedule) -> Batches:
    found = _trained(data, schedule)
    return with_evaluation(found, data, schedule) if schedule.eval_fraction else found


def with_evaluation(found: Batches, data: DataFacts, schedule: Schedule) -> Batches:
    """The batches of training with those of the evaluations between them; found.sizes: of training, where they are drawn."""
    shapes, sizes = _evaluated(data, _what_evaluates(schedule))
    together = len(found.sizes | sizes) if found.sizes else max(found.different, len(sizes))
    return Batches(found.heaviest, together, shapes)


@lru_cache(maxsize=1024)
def _what_evaluates(schedule: Schedule) -> Schedule:
    """Only what an evaluation's batches depend on; they come in the file's order."""
    return Schedule(
        max_length=schedule.max_length,
        completion_only=schedule.completion_only,
        seed=schedule.seed,
        eval_fraction=schedule.eval_fraction,
        eval_batch=schedule.eval_batch or schedule.micro_batch,
    )


@lru_cache(maxsize=1024)
def _evaluated(data: DataFacts, schedule: Schedule) -> tuple[tuple[BatchShape, ...], frozenset[int]]:
    """The shapes of an evaluation's batches that no other beats, and all token counts; those empty where lengths are not
    known. No shapes where the trainer drops every row that is held out."""
    size = schedule.eval_batch
    if not data.lengths:
        rows = min(size, n_held_out(data.rows, schedule)) if data.rows else size
        both = (True, False) if rows > 1 else (False,)
        return tuple(BatchShape(rows, schedule.max_length, padded, certain=False) for padded in both), frozenset()
    lengths, known = _as_cut(data, schedule, held_out(len(data.lengths), schedule))
    shapes = set()
    for start in range(0, len(lengths), size):
        of_batch = lengths[start : start + size]
        longest = max(of_batch)
        shapes.add((len(of_batch), longest, min(of_batch) < longest))
    heaviest = tuple(BatchShape(r, s, p, certain=known) for r, s, p in unbeaten(shapes))
    return heaviest, frozenset([r * s for r, s, _ in shapes])


def evaluated_rows(data: DataFacts, schedule: Schedule, shape: BatchShape) -> tuple[int, ...]:
    """Numbers in the file of the rows that meet in the first batch of an evaluation of this shape; the first rows where
    lengths are not known."""
    size, held = schedule.eval_batch or schedule.micro_batch, held_out(data.rows, schedule)
    if not data.lengths:
        return held[: int(shape.rows)]
    kept = _not_dropped(data, schedule, held)
    lengths = [min(data.lengths[i], schedule.max_length) for i in kept]
    for start in range(0, len(kept), size):
        of_batch = lengths[start : start + size]
        if (len(of_batch), max(of_batch), min(of_batch) < max(of_batch)) == (shape.rows, shape.seq, shape.padded):
            return tuple(kept[start : start + size])
    raise ValueError(f"no batch of an evaluation is {shape}")


def _trained(data: DataFacts, schedule: Schedule) -> Batches:
    cut = schedule.max_length
    if len(data.lengths) > DRAWN_LIMIT:
        counted = counts_of(data, schedule).cut(cut, dropping=drops(data, schedule))
        rows = sum(counted.values())
        if rows and too_many_to_draw(rows, schedule):
            return bounded(counted, rows, schedule.micro_batch)
    lengths, known = kept_lengths(data, schedule)
    if not lengths:
        rows = min(schedule.micro_batch, data.rows) if data.rows else schedule.micro_batch
        both = (True, False) if rows > 1 else (False,)
        return Batches(tuple(BatchShape(rows, cut, padded, certain=False) for padded in both), cut)
    rows = len(lengths)
    if too_many_to_draw(rows, schedule):
        return bounded(counts_of(data, schedule).cut(cut, dropping=drops(data, schedule)), rows, schedule.micro_batch)
    shapes = set()
    for batch in micro_batches(rows, schedule):
        of_batch = [lengths[i] for i in batch]
        longest = max(of_batch)
        shapes.add((len(batch), longest, min(of_batch) < longest))
    heaviest = tuple(BatchShape(r, s, p, certain=known) for r, s, p in unbeaten(shapes))
    sizes = frozenset([r * s for r, s, _ in shapes])
    return Batches(heaviest, len(sizes), sizes=sizes)


def bounded(counted: Mapping[int, int], rows: int, micro_batch: int) -> Batches:
    """The longest batches that any order could bring: with a shorter row among them, and with rows that are equally long.

    counted: how many of so many rows have each length.
    """
    size, longest = min(micro_batch, rows), max(counted)
    shapes = {(size, longest, True)} if size > 1 and len(counted) > 1 else set()
    for n in {size, rows % size} - {0}:  # the rest of an epoch may be one batch more
        alike = [length for length, times in counted.items() if times >= n]
        shapes |= {(n, max(alike), False)} if alike else set()
    return Batches(tuple(BatchShape(r, s, p, certain=False) for r, s, p in unbeaten(shapes)), len(counted))


def too_many_to_draw(rows: int, schedule: Schedule) -> bool:
    return rows * epochs_begun(rows, schedule) > DRAWN_LIMIT


def rows_of(data: DataFacts, schedule: Schedule, shape: BatchShape) -> tuple[int, ...]:
    """Numbers in the file of the rows that meet in the run's first micro-batch of this shape.

    Where batches are not drawn, the longest rows that could meet.
    """
    lengths, _ = kept_lengths(data, schedule)
    if not lengths:
        return tuple(range(min(schedule.micro_batch, data.rows)))
    numbers = _kept_numbers(data, schedule)
    found = next(_of_shape(lengths, schedule, shape), None)
    if found is not None:
        return tuple(numbers[i] for i in found[1])
    longest = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return tuple(numbers[i] for i in longest[: schedule.micro_batch])


def batch_numbers(data: DataFacts, schedule: Schedule, shape: BatchShape) -> tuple[int, ...]:
    """Which micro-batches of the run have this shape, counted from 0; none where batches are not drawn."""
    return tuple(n for n, _ in _of_shape(kept_lengths(data, schedule)[0], schedule, shape))


def comes_after_first_step(data: DataFacts, schedule: Schedule, shape: BatchShape) -> bool:
    """Whether a micro-batch of this shape meets the optimizer's states, which the first step leaves behind it."""
    return any(number >= schedule.grad_accumulation for number in batch_numbers(data, schedule, shape))


def _of_shape(lengths: list[int], schedule: Schedule, shape: BatchShape) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(number, rows) of each micro-batch of this shape."""
    if not lengths or too_many_to_draw(len(lengths), schedule):
        return
    for number, batch in enumerate(micro_batches(len(lengths), schedule)):
        of_batch = [lengths[i] for i in batch]
        if (len(batch), max(of_batch), min(of_batch) < max(of_batch)) == (shape.rows, shape.seq, shape.padded):
            yield number, batch


def _kept_numbers(data: DataFacts, schedule: Schedule) -> Sequence[int]:
    """Which rows of the file `kept_lengths` speaks of."""
    return _not_dropped(data, schedule, _trained_numbers(data, schedule))


def _trained_numbers(data: DataFacts, schedule: Schedule) -> Sequence[int]:
    n = len(data.lengths)
    return trained_on(n, schedule) if schedule.eval_fraction else range(n)


def _not_dropped(data: DataFacts, schedule: Schedule, numbers: Sequence[int]) -> Sequence[int]:
    if drops(data, schedule):
        return [i for i in numbers if data.prompt_lengths[i] < min(data.lengths[i], schedule.max_length)]
    return numbers


def kept_lengths(data: DataFacts, schedule: Schedule) -> tuple[list[int], bool]:
    """Lengths of the rows that are trained on, as the trainer cuts them, without the rows it drops, and whether they are
    known for certain.

    TRL drops a row whose answer is cut away whole, when only answers count in the loss.
    """
    return _as_cut(data, schedule, _trained_numbers(data, schedule))


def _as_cut(data: DataFacts, schedule: Schedule, numbers: Sequence[int]) -> tuple[list[int], bool]:
    cut, known = schedule.max_length, data.lengths_from == "counted"
    kept = _not_dropped(data, schedule, numbers)
    lengths = [min(data.lengths[i], cut) for i in kept]
    if schedule.completion_only and data.form == "prompt_completion" and not data.prompt_lengths:
        known = known and all(data.lengths[i] <= cut for i in numbers)
    return lengths, known


def unbeaten(shapes: set[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
    """The shapes that no other beats in tokens and rows × seq², among padded ones and among those that are not; most
    tokens, longest, padded first."""
    ordered = sorted(shapes, key=lambda x: (x[0] * x[1], x[1], x[2]), reverse=True)
    kept: list[tuple[int, int, bool]] = []
    for rows, seq, padded in ordered:
        if not any(r * s * s >= rows * seq * seq and p == padded for r, s, p in kept):
            kept.append((rows, seq, padded))
    return kept
