"""How long the rows are, short enough to be pasted, with the very same figures as before.

Some thousand lengths travel as they are. Of more, how many rows have which length travels, and the number of an order in
which the plan needs what it needs now; those of another batch size or length may then come out a little otherwise, which
`REORDERED` says. Never names, never text of a row.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from planner import strict_json
from planner.facts.data import DRAWN_LIMIT, DataFacts, kept_lengths
from planner.facts.order import epochs_begun, micro_batches
from planner.schedule import Schedule
from planner.strict_json import DamagedError

MOST_ROWS = 4_000_000
TRIES, FURTHER = 60, 3  # orders: with as many different batches as now, and with whatever number
REORDERED = (
    "The lengths of its rows came without their order: with another batch or length, figures may differ a little from"
    " those of the sender."
)


def counted(data: DataFacts, schedules: Sequence[Schedule], same: Callable[[DataFacts], bool]) -> dict[str, Any] | None:
    """How many rows have which length, for `from_counts`; None where no order was found that is the `same`.

    An order with as many different batches is looked for first: on a CPU each keeps kernels of its own.
    """
    of_prompts = any(s.completion_only for s in schedules) and bool(data.prompt_lengths)
    if of_prompts and len({s.max_length for s in schedules}) > 1:
        return None
    rows = Counter(_kinds(data, schedules[0].max_length) if of_prompts else ((n, False) for n in data.lengths))
    kinds = sorted(rows)
    value = {
        "lengths": _steps([n for n, _ in kinds]),
        "rows": [rows[kind] for kind in kinds],
        "dropped": [i for i, (_, dropped) in enumerate(kinds) if dropped],
        "prompts": of_prompts,
    }
    different = [_different(data, s) for s in schedules]
    for order in (*range(TRIES), *range(-FURTHER, 0)):
        found = from_counts(data, value | {"order": abs(order)})
        near = order < 0 or all(_different(found, s) == n for s, n in zip(schedules, different, strict=True))
        if near and same(found):
            return value | {"order": abs(order)}
    return None


def from_counts(data: DataFacts, value: Any) -> DataFacts:
    """`data` with the lengths that `value` tells of. Raises DamagedError."""
    known = {"lengths", "rows", "dropped", "prompts", "order"}
    found = strict_json.fields(value, "rows", known)
    steps, rows, dropped = (strict_json.typed(tuple[int, ...], found[k], k) for k in ("lengths", "rows", "dropped"))
    order, prompts = (
        strict_json.typed(int, found["order"], "order"),
        strict_json.typed(bool, found["prompts"], "prompts"),
    )
    if len(steps) != len(rows) or min((*steps, *rows, *dropped, order), default=0) < 0:
        raise DamagedError("its rows are not counted rightly")
    if sum(rows) != data.rows or data.rows > MOST_ROWS or max(dropped, default=-1) >= len(rows):
        raise DamagedError(f"its lengths are not those of {data.rows} rows")
    kinds: list[tuple[int, int]] = []
    length = 0
    gone = set(dropped)
    for i, (step, times) in enumerate(zip(steps, rows, strict=True)):
        length += step
        kinds += [(length, length if i in gone else 0)] * times
    kinds = [kinds[i] for i in _order(len(kinds), order)]
    prompt_lengths = tuple(p for _, p in kinds) if prompts else ()
    return replace(data, lengths=tuple(n for n, _ in kinds), prompt_lengths=prompt_lengths)


def _order(n: int, number: int) -> list[int]:
    """Python promises the numbers that `random()` draws for a seed in every version, and no more than that."""
    draw = random.Random(number).random  # noqa: S311 - an order that both sides agree on, not a secret
    keys = [draw() for _ in range(n)]
    return sorted(range(n), key=keys.__getitem__)


def _kinds(data: DataFacts, cut: int) -> list[tuple[int, bool]]:
    """Length of each row, and whether the trainer drops it because nothing of its answer is left."""
    return [(n, p >= min(n, cut)) for n, p in zip(data.lengths, data.prompt_lengths, strict=True)]


def _different(data: DataFacts, schedule: Schedule) -> int:
    """How many token counts the batches have: a cheap look before the batches are compared; 0 where none are drawn."""
    lengths, _ = kept_lengths(data, schedule)
    if not lengths or len(lengths) * epochs_begun(len(lengths), schedule) > DRAWN_LIMIT:
        return 0
    sizes = {len(b) * max([lengths[i] for i in b]) for b in micro_batches(len(lengths), schedule)}
    return len(sizes)


def _steps(rising: list[int]) -> list[int]:
    """Each as its distance from the one before: small numbers, which pack well."""
    return [b - a for a, b in zip([0, *rising], rising, strict=False)]
