"""The largest model of a family that fits this machine with this data, in any combination that gives up nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.changes import smaller_model
from planner.estimate import Estimate
from planner.explore.answer import Answer, Question, Room, Way, sentence_of
from planner.explore.explored import Explored, Ints, Mask
from planner.explore.families import families, known_family
from planner.explore.stretch import learns_less
from planner.explore.trying import (
    Turn,
    batch_of,
    best_elsewhere,
    estimated,
    first_that_fits,
    nearest,
    one_of_each_structure,
    thriftiest,
    valid_there,
)
from planner.explore.worth import cut_needed, in_classes, own_length, starting_rows, worthy
from planner.facts.model import catalogue
from planner.facts.model.facts import ModelFacts
from planner.plan import Plan
from planner.problem import Problem

CLOSE = 1.5  # times what there is


def largest_model(
    explored: Explored, family: str = "", room: Room | None = None, among: Mask | None = None
) -> Answer | Problem:
    """family: by its name, or that of one of its models; else the plan's own. Problem `explore.unknown_family`."""
    room = room or Room()
    plan = explored.space.plan
    models = sizes_of(plan, family)
    if isinstance(models, Problem):
        return models
    rows = starting_rows(explored, among)
    mask = worthy(explored) if among is None else worthy(explored) & among
    length = own_length(explored)
    best: Estimate | None = None
    less, alternatives = "", tuple[Way, ...]()
    for of_class in in_classes(explored, rows):
        start = 0 if best is None else 1 + [m.name for m in models].index(best.plan.model.name)
        for model in reversed(models[start:]):
            turn = _with_model(model)
            one = _one_row_of(explored, valid_there(explored, of_class.rows, turn), turn, room)
            if one is None:
                continue
            of_quality = mask & np.isin(explored.quality, np.unique(explored.quality[of_class.rows]))
            one = best_elsewhere(explored, np.flatnonzero(of_quality), turn, room) or one
            if best is None:
                best, less = one, learns_less(explored, of_class)
            else:
                note = "larger, but" + learns_less(explored, of_class).rpartition(":")[2].rstrip(".")
                alternatives = (Way(one.plan, one, sentence_of(one, room), note),)
            break
    if best is None:
        smallest = _with_model(models[0])
        valid = valid_there(explored, rows, smallest)
        plans = (smallest(batch_of(explored, int(i), 1, length)) for i in valid)
        said = f"No {known_family(family or plan.model.name)} fits. The nearest plans miss this much."
        return Answer(Question.MODEL, None, None, said, misses=nearest(plans, room))
    sentence = _sentence(plan, best, models, room) + less
    return Answer(Question.MODEL, best.plan, best, sentence, alternatives)


def sizes_of(plan: Plan, family: str = "") -> list[ModelFacts] | Problem:
    """The family's models with positions for the plan's rows, smallest first; the plan's own, as it is, in place of its entry."""
    found = known_family(family or plan.model.name)
    own = known_family(plan.model.name)
    if not found:
        known = ", ".join(families())
        fact = f"The catalogue has no family of {family or plan.model.name!r:.80}."
        return Problem("explore.unknown_family", fact, f"Choose one of: {known}.")
    models = [catalogue.find(name) for name in families()[found]]
    if own == found:
        models = [m for m in models if m.params != plan.model.params] + [plan.model]
    need = cut_needed(replace(plan, model=replace(plan.model, max_positions=0)))
    long_enough = [m for m in models if not m.max_positions or m.max_positions >= need or m is plan.model]
    if not long_enough:
        fact = f"No model of {found} has {need:,} positions."
        return Problem("explore.unknown_family", fact, "Choose a shorter length or another family.")
    return sorted(long_enough, key=lambda m: m.params)


def _one_row_of(explored: Explored, rows: Ints, turn: Turn, room: Room) -> Estimate | None:
    """Any of these rows that fits with the model and one row in a batch: the thriftiest of the plan's own model first, and
    the others only where it is close, since what is thriftiest depends a little on a model's shape."""
    length = own_length(explored)
    tried = [estimated(turn(batch_of(explored, int(i), 1, length))) for i in thriftiest(explored, rows)]
    if fitting := [one for one in tried if room.fits(one)]:
        return fitting[0]
    if not any(t.high_bytes <= CLOSE * t.budget_bytes for one in tried for t in room.tried(one).tiers[:1]):
        return None
    others = list(one_of_each_structure(explored, rows))
    return first_that_fits((turn(batch_of(explored, i, 1, length)) for i in others), room, len(others))


def _with_model(model: ModelFacts) -> Turn:
    def turn(plan: Plan) -> Plan:
        return plan if plan.model is model else smaller_model(plan, model.name).apply(plan)

    return turn


def _sentence(plan: Plan, best: Estimate, models: list[ModelFacts], room: Room) -> str:
    text = sentence_of(best, room)
    if best.plan.model.name == models[-1].name:
        text += " The catalogue has no larger one of its family."
    if best.plan.model is not plan.model and plan.data.lengths:
        text += " Its tokenizer may count otherwise: how long the rows are is an estimate for it."
    return text
