"""Changes to a plan, and the words for them. Qt-free: a button, a menu and a test all change a plan through here.

A change is a new plan; what differs between two plans says what changed, so undo can name it without being told.
"""

from __future__ import annotations

import typing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from app.pages.plan.data.source import change_words
from app.shown import shown_value
from planner.facts.data import DataFacts
from planner.options import coerce, described
from planner.plan import Choice, Plan, Stage
from planner.problem import ProblemError
from planner.slots import QUESTIONS, Slot
from planner.techniques.registry import default_choice, technique
from planner.units import words

SCHEDULE = "schedule"
Where = Slot | str  # a slot, or SCHEDULE


def with_technique(plan: Plan, slot: Slot, name: str) -> Plan:
    """Another answer to a slot's question, with its default options; options of the same name keep their value."""
    old = plan.stage.choice(slot)
    if old and old.technique == name:
        return plan
    new = default_choice(slot, name)
    if old:
        kept = {f.name for f in fields(new.options)} & {f.name for f in fields(old.options)}
        for field in kept:
            candidate = replace(new.options, **{field: getattr(old.options, field)})
            new = Choice(slot, name, candidate)
    return plan.with_choice(new)


def options_of(plan: Plan, where: Where) -> Any:
    """The options dataclass at a slot, or the schedule."""
    if where == SCHEDULE:
        return plan.stage.schedule
    choice = plan.stage.choice(Slot(where))
    return choice.options if choice else None


def with_option(plan: Plan, where: Where, field: str, value: Any) -> Plan:
    """One option set. Raises ProblemError `option.wrong_type` for what cannot be read as the option's type."""
    options = options_of(plan, where)
    hint = typing.get_type_hints(type(options))[field]
    changed = replace(options, **{field: coerce(hint, value, f"{where}.{field}")})
    if where == SCHEDULE:
        return plan.with_schedule(changed)
    choice = plan.stage.choice(Slot(where))
    assert choice is not None
    return plan.with_choice(replace(choice, options=changed))


def default_options(baseline: Stage, plan: Plan, where: Where) -> Any:
    """What "back to default" goes back to: the starting plan's, or the technique's own where another was chosen."""
    if where == SCHEDULE:
        return baseline.schedule
    slot = Slot(where)
    choice, start = plan.stage.choice(slot), baseline.choice(slot)
    if choice is None:
        return None
    if start and start.technique == choice.technique:
        return start.options
    return technique(slot, choice.technique).Options()


def _option_changes(before: Any, after: Any) -> list[str]:
    out = []
    for field, d in described(after):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old != new:
            out.append(f"{d.label} {shown_value(old, d.choices)} → {shown_value(new, d.choices)}")
    return out


def difference(before: Plan, after: Plan) -> str:
    """What changed between two plans, in words: `Rank 16 → 8`. Empty when nothing a person set has changed."""
    out: list[str] = []
    for part in ("model", "data", "machine"):
        old, new = getattr(before, part).name, getattr(after, part).name
        if old != new:
            out.append(f"{part.capitalize()} {old} → {new}")
        elif part == "data":
            out += _data_changes(before.data, after.data)
    for choice in after.stage.choices:
        was = before.stage.choice(choice.slot)
        if was is None or was.technique != choice.technique:
            out.append(f"{QUESTIONS[choice.slot]} {label_of(was)} → {label_of(choice)}")
        elif was.options != choice.options:
            out += _option_changes(was.options, choice.options)
    out += _option_changes(before.stage.schedule, after.stage.schedule)
    if before.name != after.name:
        out.append(f"Name {before.name} → {after.name}")
    return "; ".join(out)


def _data_changes(before: DataFacts, after: DataFacts) -> list[str]:
    """Files of one name in two places, and one file read in another way."""
    if before.path != after.path:
        old, new = (str(Path(data.path).parent) if data.path else "elsewhere" for data in (before, after))
        return [f"Data {before.name} in {old} → in {new}"]
    mapped = change_words(before.mapping, after.mapping)
    return [f"Data: {mapped}"] if mapped else []


def label_of(choice: Choice | None) -> str:
    """A technique's label for people; its bare name when this version does not know it."""
    if choice is None:
        return "nothing"
    try:
        return technique(choice.slot, choice.technique).label
    except ProblemError:
        return choice.technique


def signed(difference_bytes: int) -> str:
    """`−10.4 GiB`, `+24 MiB`, or `±0` where nothing changes."""
    if difference_bytes == 0:
        return "±0"
    return words(difference_bytes) if difference_bytes < 0 else f"+{words(difference_bytes)}"
