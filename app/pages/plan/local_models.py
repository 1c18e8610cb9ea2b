"""Models that already lie on this computer, as the model field lists them: whole ones first, with what is wrong of others.

Qt-free; folders are listed and headers read, nothing is fetched. The finding itself is `planner.models_here`.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.pages.plan.picks import Pick
from planner.facts.model.folder_state import ADAPTER, BROKEN, WHOLE, CachedModel
from planner.models_here import base_folder, models_here
from planner.units import words

UNFINISHED = "unfinished"  # the kind of a pick that leads to what is missing
FEW_WORDS = {"partial": "not all here", "gated": "refused by its owner", "broken": "cannot be used"}


@dataclass(frozen=True)
class LocalEntry:
    """One line of the list. reason: why it cannot be picked, empty where it can. tip: shown beside the pointer."""

    label: str
    pick: Pick
    detail: str
    tone: str = "muted"
    reason: str = ""
    tip: str = ""


def local_models() -> tuple[CachedModel, ...]:
    """By name, those that can be used first."""
    return tuple(sorted(models_here(), key=lambda m: (m.state != WHOLE, m.name.lower())))


def entries(found: tuple[CachedModel, ...]) -> list[LocalEntry]:
    """What the list says of each, before its plan was priced."""
    return [_entry(model, found) for model in found]


def _entry(model: CachedModel, found: tuple[CachedModel, ...]) -> LocalEntry:
    if model.state == BROKEN:
        return LocalEntry(model.name, Pick("folder", str(model.path)), "", reason=model.says, tip=model.says)
    if model.state != WHOLE:
        return LocalEntry(model.name, Pick(UNFINISHED, model.name), FEW_WORDS[model.state], "warn", tip=model.says)
    size = words(model.bytes)
    if model.kind == ADAPTER:
        there = "" if not model.base or base_folder(model.base, found) else ", not on this computer"
        base = f" of {model.base.rsplit('/', 1)[-1]}{there}" if model.base else ""
        return LocalEntry(model.name, Pick("folder", str(model.path)), f"{model.detail}{base}", tip=f"{size}{base}")
    detail = " · ".join(filter(None, [model.detail, size]))
    return LocalEntry(model.name, Pick("folder", str(model.path)), detail)
