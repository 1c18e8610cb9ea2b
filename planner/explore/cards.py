"""The smallest card: on which the plan as it is fits, and on which some combination does that gives up nothing.

Cards are those of `planner.facts.gpus`, each in a computer that is assumed around it, by the memory that its driver shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache, partial

import numpy as np

from planner.drafting import device_of
from planner.estimate import Estimate
from planner.explore.answer import Answer, Question, Room, Way, sentence_of
from planner.explore.context_map import with_batch
from planner.explore.explored import Explored, Mask
from planner.explore.quality import quality_of
from planner.explore.stretch import learns_less
from planner.explore.trying import (
    best_elsewhere,
    choices_of,
    estimated,
    first_that_fits,
    nearest,
    thriftiest,
    valid_there,
)
from planner.explore.worth import Class, in_classes, own_length, starting_rows, worthy
from planner.facts.gpus import Gpu, gpus, other_machine
from planner.plan import Choice, Plan, Stage
from planner.slots import Slot

ROOM = Room()  # of a card, all of its memory
MOST_STARTS = 6  # the thriftiest combinations on a card of its kind


@cache
def by_size() -> tuple[Gpu, ...]:
    """Cards that can be planned for, the smallest first; of equal memory the newest first."""
    return tuple(sorted((g for g in gpus() if g.kind), key=lambda g: (g.usable_bytes, -g.year, g.name)))


def on_card(card: Gpu, plan: Plan) -> Plan:
    """The plan on a computer with this card, computing on it."""
    machine = other_machine(card.name)
    placed = plan.stage.choice(Slot.PLACEMENT)
    moved = replace(plan, machine=machine)
    if placed is None or "device" not in {f.name for f in fields(placed.options)}:
        return moved
    return moved.with_choice(replace(placed, options=replace(placed.options, device=machine.devices[0].id)))


def smallest_card(explored: Explored, among: Mask | None = None) -> Answer:
    """The answer is the smallest card for the plan as it is, or, where none is large enough, for another combination."""
    plan = explored.space.plan
    as_it_is = first_that_fits((on_card(card, plan) for card in by_size()), ROOM, len(by_size()))
    ways: list[tuple[Estimate, str]] = []
    rows = starting_rows(explored, among)
    for of_class in in_classes(explored, rows):
        limit = min((_size(one) for one in (as_it_is, *(one for one, _ in ways)) if one is not None), default=1 << 62)
        one = _smallest(explored, of_class, among, limit)
        if one is not None:
            ways.append((one, learns_less(explored, of_class).rpartition(":")[2].rstrip(".")))
    if as_it_is is None and not ways:
        largest = (on_card(card, plan) for card in reversed(by_size()))
        said = "No card of the catalogue is large enough for any combination. The nearest miss this much."
        return Answer(Question.CARD, None, None, said, misses=nearest(largest, ROOM, lambda p: p.machine.name))
    alternatives = tuple(
        Way(one.plan, one, _sentence(one), "smaller, with other techniques" + (f", but{less}" if less else ""))
        for one, less in ways
    )
    if as_it_is is not None:
        return Answer(Question.CARD, as_it_is.plan, as_it_is, _sentence(as_it_is), alternatives)
    first, *others = alternatives
    text = f"{_why_not_as_it_is(plan)} With other techniques: {first.sentence}"
    return Answer(Question.CARD, first.plan, first.estimate, text, tuple(others))


def _smallest(explored: Explored, of_class: Class, among: Mask | None, limit: int) -> Estimate | None:
    """The best plan of a class on the smallest card below `limit` bytes that any plan of the class fits on."""
    orders: dict[tuple[str, bool], list[Plan]] = {}
    for card in by_size():
        if card.usable_bytes >= limit:
            return None
        kind = (card.kind, card.supports_bf16)
        if kind not in orders:
            orders[kind] = _thriftiest_first(explored, of_class, kind)
        if first_that_fits((on_card(card, p) for p in orders[kind]), ROOM, MOST_STARTS) is None:
            continue
        mask = worthy(explored) if among is None else worthy(explored) & among
        mask &= np.isin(explored.quality, np.unique(explored.quality[of_class.rows]))
        best = best_elsewhere(explored, np.flatnonzero(mask), partial(on_card, card), ROOM)
        return best or first_that_fits((on_card(card, p) for p in orders[kind]), ROOM, MOST_STARTS)
    return None


def _thriftiest_first(explored: Explored, of_class: Class, kind: tuple[str, bool]) -> list[Plan]:
    """The thriftiest combinations of the class that are valid on cards of a kind, with one row in a batch, by their need on
    the largest of them: what is thrifty on the plan's own device need not be the thriftiest there."""
    largest = max((g for g in by_size() if (g.kind, g.supports_bf16) == kind), key=lambda g: g.usable_bytes)
    length = own_length(explored)

    def there(choices: tuple[Choice, ...]) -> Plan:
        plan = explored.space.plan
        return with_batch(on_card(largest, plan.with_stage(Stage(choices, plan.stage.schedule))), 1, length)

    valid = valid_there(explored, of_class.rows, partial(on_card, largest))
    tried = [there(choices_of(explored, int(i))) for i in thriftiest(explored, valid)]
    tried += [there(choices) for choices in _only_elsewhere(explored, of_class)]
    needs = [(one.tiers[0].high_bytes, one.plan) for one in map(estimated, tried) if one.tiers]
    return [plan for _, plan in sorted(needs, key=lambda x: x[0])]


def _only_elsewhere(explored: Explored, of_class: Class) -> Iterator[tuple[Choice, ...]]:
    """Combinations that train the same and learn as much, but are not valid on the plan's own device (without bfloat16,
    say), which another may be."""
    trained = {_trains(choices_of(explored, int(i))) for i in of_class.rows}
    classes = {int(q) for q in explored.quality[of_class.rows]}
    valid = set(np.unique(explored.structure).tolist())
    for number, structure in enumerate(explored.space.structures):
        if number in valid:
            continue
        for _, choices in structure.settings:
            if _trains(choices) in trained and quality_of(choices) in classes:
                yield choices


def _trains(choices: tuple[Choice, ...]) -> Choice | None:
    return next((c for c in choices if c.slot is Slot.TRAINABLE), None)


def _why_not_as_it_is(plan: Plan) -> str:
    problems = estimated(on_card(by_size()[-1], plan)).problems
    if problems:
        return f"The plan as it is cannot run: {problems[0].fact}"
    return "The plan as it is fits no card of the catalogue."


def _size(one: Estimate) -> int:
    device = device_of(one.plan)
    assert device is not None
    return device.total_bytes


def _sentence(one: Estimate) -> str:
    device = device_of(one.plan)
    assert device is not None
    return f"{device.name}: {sentence_of(one)}"
