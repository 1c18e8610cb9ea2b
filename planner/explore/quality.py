"""Which class a combination of techniques belongs to by what it can learn, each class with its published source.

A class orders what the published comparisons in `assets/quality.json` order and no more: plans of one class are not told
apart, and what nobody compared is in a class of its own, the last. A technique says what it lets a model learn with its
method `learns`; this module only looks the statements up and combines them. It knows no technique by name.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from typing import Any, NamedTuple

from planner.assets import asset
from planner.plan import Choice
from planner.techniques.registry import technique

NOT_COMPARED = "not_compared"


class Source(NamedTuple):
    """A published comparison: where it stands, and what was found, with its model and task."""

    source: str
    figure: str


class QualityClass(NamedTuple):
    """number: 0 the best. sources: what puts this class before the next; against: what does not show that order."""

    number: int
    words: str
    sources: tuple[Source, ...]
    against: tuple[Source, ...]

    @property
    def sentence(self) -> str:
        """The class in words with the first of its sources."""
        if not self.sources:
            return f"{_capital(self.words)}."
        first = self.sources[0]
        return f"{_capital(self.words)}. {_capital(first.figure)} ({first.source})."


class Statement(NamedTuple):
    """What a technique's word means. number: the class that it puts a combination in at best, None for any."""

    number: int | None
    words: str
    sources: tuple[Source, ...]


def quality_of(choices: tuple[Choice, ...]) -> int:
    """The class of a combination, 0 the best: that of its answer which lets the model learn least."""
    numbers = [n for s in _statements(choices) if (n := _statement(s).number) is not None]
    return max(numbers, default=len(classes()) - 1)


def said_of(number: int) -> QualityClass:
    """The class in words, with its sources."""
    return classes()[number]


def beside_of(choices: tuple[Choice, ...]) -> tuple[Statement, ...]:
    """What else answers say of what can be learned, without putting the combination in a class."""
    return tuple(s for word in _statements(choices) if (s := _statement(word)).words)


@cache
def classes() -> tuple[QualityClass, ...]:
    """All classes, the best first."""
    return tuple(
        QualityClass(i, entry["words"], _sources(entry["sources"]), _sources(entry["against"]))
        for i, entry in enumerate(_table()["classes"])
    )


def _statements(choices: tuple[Choice, ...]) -> list[str]:
    return [word for c in choices if (word := _learns(c))]


@lru_cache(maxsize=4096)
def _learns(choice: Choice) -> str:
    """What the answer says of itself; empty where it has no part in what is learned."""
    learns = getattr(technique(choice.slot, choice.technique), "learns", None)
    return str(learns(choice.options)) if learns else ""


@cache
def _statement(word: str) -> Statement:
    """An unknown word is a mistake of ours: its technique is then not compared."""
    entry = _table()["statements"].get(word, {"class": NOT_COMPARED})
    order = [c["id"] for c in _table()["classes"]]
    number = None if entry["class"] is None else order.index(entry["class"])
    return Statement(number, entry.get("words", ""), _sources(entry.get("sources", [])))


@cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(asset("quality.json").read_text(encoding="utf-8"))
    return found


def _sources(entries: list[dict[str, str]]) -> tuple[Source, ...]:
    return tuple(Source(e["source"], e["figure"]) for e in entries)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
