"""The one ordered tuple of techniques. To add one: write its file, its twin and its test, and name it here."""

from __future__ import annotations

from planner.plan import Choice
from planner.problem import fail
from planner.slots import Slot
from planner.techniques.technique import Technique

TECHNIQUES: tuple[Technique, ...] = ()  # filled in slot order; the first of a slot is its default

_BY_KEY = {(t.slot, t.name): t for t in TECHNIQUES}


def technique(slot: Slot, name: str) -> Technique:
    """Look one up; `technique.unknown` names the ones that exist."""
    found = _BY_KEY.get((slot, name))
    if found is None:
        names = ", ".join(t.name for t in of_slot(slot)) or "none"
        raise fail("technique.unknown", f"No technique {name!r} for {slot.value}.", f"Known ones: {names}.")
    return found


def of_slot(slot: Slot) -> tuple[Technique, ...]:
    return tuple(t for t in TECHNIQUES if t.slot is slot)


def slots() -> tuple[Slot, ...]:
    """The slots that have at least one technique, in order."""
    return tuple(s for s in Slot if of_slot(s))


def default_choice(slot: Slot, name: str = "") -> Choice:
    """A choice with default options; without a name, the slot's first technique."""
    t = technique(slot, name) if name else of_slot(slot)[0]
    return Choice(slot, t.name, t.Options())
