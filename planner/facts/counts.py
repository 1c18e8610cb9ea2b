"""How many rows have which length: one pass over all rows, after which any cut is told without another.

A file may have millions of rows, and a person who moves the cut-off waits for no pass over them. Of single rows and of
their order nothing is known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from planner.facts.split import trained_on
from planner.schedule import Schedule

if TYPE_CHECKING:
    from planner.facts.data import DataFacts

AT_ONCE = 1 << 16
"""Rows that are counted in one call: Python lets no other thread go on within one."""


@dataclass(frozen=True)
class Counts:
    """Rows by their tokens. answered and prompts: of the rows whose prompt is not all of them, the same rows by their own
    tokens and by their prompts'; None where prompts are not known."""

    lengths: Mapping[int, int]
    answered: Mapping[int, int] | None
    prompts: Mapping[int, int] | None

    def cut(self, length: int, *, dropping: bool) -> dict[int, int]:
        """Rows by their tokens once cut. dropping: without those that have nothing of their answer left.

        A row longer than the cut is kept when its prompt ends before it; as many rows as have such a prompt, less those
        that are not cut, are therefore kept and cut.
        """
        rows = self.lengths if not dropping or self.answered is None else self.answered
        out = {n: times for n, times in rows.items() if n < length}
        whole = sum(out.values())
        if rows is self.lengths or self.prompts is None:
            as_long = sum(rows.values()) - whole
        else:
            as_long = sum(times for p, times in self.prompts.items() if p < length) - whole
        return out | {length: as_long} if as_long else out


@lru_cache(maxsize=16)
def counts(data: DataFacts, share_held: float = 0.0, seed: int = 0) -> Counts:
    """Of the rows that are trained on when a share is held out for evaluation; of all rows when none is."""
    lengths: Sequence[int] = data.lengths
    prompts: Sequence[int] = data.prompt_lengths
    if share_held:
        numbers = trained_on(len(lengths), Schedule(eval_fraction=share_held, seed=seed))
        lengths = [data.lengths[i] for i in numbers]
        prompts = [data.prompt_lengths[i] for i in numbers] if data.prompt_lengths else ()
    by_length: Counter[int] = Counter()
    answered: Counter[int] = Counter()
    by_prompt: Counter[int] = Counter()
    for start in range(0, len(lengths), AT_ONCE):
        some, before = lengths[start : start + AT_ONCE], prompts[start : start + AT_ONCE]
        by_length.update(some)
        if before:
            pairs = [(n, p) for n, p in zip(some, before, strict=True) if p < n]
            answered.update([n for n, _ in pairs])
            by_prompt.update([p for _, p in pairs])
    return Counts(by_length, answered, by_prompt) if prompts else Counts(by_length, None, None)


def counts_of(data: DataFacts, schedule: Schedule) -> Counts:
    """Of the rows that this run trains on."""
    if not schedule.eval_fraction:
        return counts(data)
    return counts(data, schedule.eval_fraction, schedule.seed)


def drops(data: DataFacts, schedule: Schedule) -> bool:
    """Whether the trainer leaves out rows whose answer is cut away whole, and it is known which."""
    return schedule.completion_only and data.form == "prompt_completion" and bool(data.prompt_lengths)
