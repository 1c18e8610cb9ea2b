"""Which model and which card a person means who types `llama 3.1 8b` and `4090`, as people say it rather than as it is spelt.

A guess is named as one, with what else it could have been; whoever reads it can type the whole name. Never an exact name
that is answered with another.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from planner.facts.gpus import Gpu, gpus
from planner.facts.model import catalogue
from planner.facts.model.facts import ModelFacts
from planner.plan_set import find_model
from planner.problem import ProblemError, fail

T = TypeVar("T")

_WORDS = re.compile(r"\d+(?:\.\d+)?[a-z]*|[a-z]+")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:gb|gib|g)\b(?:\s*(?:of|vram|memory|gpu|card)\b)*", re.IGNORECASE)
_PARAMETERS = re.compile(r"(\d+(?:\.\d+)?)(b|m)")
NEAR_SIZE = 0.12
"""A `7B` has so much more or fewer parameters than seven billion."""
NEAR_NAME = 0.6
"""Likeness of two names from which the one is offered for the other, 0 to 1."""
MOST_OTHERS = 6
SHORTEST_PIECE = 5  # letters of a name


@dataclass(frozen=True)
class Meant(Generic[T]):
    """found: what is taken. remark: why this one, and what else it could be; empty where there was nothing to guess."""

    found: T
    remark: str = ""


def words_of(name: str) -> tuple[str, ...]:
    """`Meta-Llama-3.1-8B` → meta, llama, 3.1, 8b; `RTX4090` → rtx, 4090."""
    plain = re.sub(r"(?<=\d)_(?=\d)", ".", name.casefold())
    return tuple(_WORDS.findall(plain))


def model_meant(text: str) -> Meant[ModelFacts]:
    """A folder, a catalogue id or alias, else the nearest by the words in its name or by its size alone.

    Raises ProblemError `fit.unknown_model`, and those of a folder that is one.
    """
    try:
        return Meant(find_model(text))
    except ProblemError as error:
        if error.problem.code != "model.not_in_catalogue" or Path(text).is_dir():
            raise
    asked = words_of(text)
    of_size = _of_size(asked)
    if of_size:
        found, *others = of_size
        return Meant(found, f"{text.strip()} is a size: this is for {found.name}{_also([m.name for m in others])}.")
    names = {n: n for n in catalogue.names()} | catalogue.aliases()
    ranked = _ranked(asked, names, lambda name: name)
    if not ranked:
        raise _unknown("fit.unknown_model", "model", text, names, "give the folder that holds the model")
    models = [catalogue.find(name) for name in dict.fromkeys(names[name] for name in ranked)]
    models.sort(key=lambda m: bool(m.unsupported_because))
    return Meant(models[0], _guessed(text, models[0].name, [m.name for m in models[1:]]))


def _of_size(asked: Sequence[str]) -> list[ModelFacts]:
    """Models of the size that is all that was said; the one with most parameters first, since what fits it fits them."""
    size = _PARAMETERS.fullmatch(asked[0]) if len(asked) == 1 else None
    if size is None:
        return []
    wanted = float(size[1]) * (1e9 if size[2] == "b" else 1e6)
    near = [m for m in map(catalogue.find, catalogue.names()) if abs(m.params - wanted) <= NEAR_SIZE * wanted]
    planned = [m for m in near if not m.unsupported_because]
    called = [m for m in planned if asked[0] in words_of(m.name)]
    later = {name: i for i, name in enumerate(catalogue.names())}  # of equal ones the one that the table has later
    return sorted(called or planned, key=lambda m: (-m.params, -later[m.name]))


def card_meant(text: str) -> Meant[Gpu]:
    """A card of the catalogue by its name, by the words in it, or by the size of its memory.

    Of cards that fit as well the one whose memory is smallest: what fits it fits them. Raises ProblemError
    `fit.unknown_gpu`.
    """
    if text.strip().startswith("-"):  # a size below nothing
        raise fail("fit.unknown_gpu", f"No card has {text.strip()!r:.80}.", "Give its name or its memory: 12 GB.")
    able = [g for g in gpus() if g.kind]
    exact = next((g for g in able if g.name.casefold() == text.strip().casefold()), None)
    if exact is not None:
        return Meant(exact)
    size = _SIZE.search(text)
    rest = words_of(_SIZE.sub(" ", text, count=1) if size else text)
    sized = [g for g in able if size is None or _gb(g) == round(float(size[1]))]
    if size is not None and not rest:
        return _of_memory(size[1], sized)
    ranked = _ranked(rest, sized, lambda g: g.name)
    if not ranked:
        if _ranked(rest, gpus(), lambda g: g.name):
            fact = (
                f"No plan can be made for {text.strip()!r:.60} with so much memory: the catalogue has it otherwise, or"
            )
            raise fail(
                "fit.unknown_gpu", f"{fact} torch reaches it by no name that is known here.", "Leave out its size."
            )
        raise _unknown("fit.unknown_gpu", "card", text, [g.name for g in able], "give a size: 12 GB")
    least = _beyond(rest, ranked[0].name)
    best = min((g for g in ranked if _beyond(rest, g.name) == least), key=lambda g: g.usable_bytes)
    return Meant(best, _guessed(text, best.name, [g.name for g in ranked if g is not best]))


def _gb(card: Gpu) -> int:
    return round(card.memory_bytes / 2**30)


def _unified(card: Gpu) -> bool:
    """Whether its memory is the computer's: nobody calls that a card of so many GB."""
    return card.kind == "mps" or "unified" in card.notes


def _of_memory(size: str, sized: Sequence[Gpu]) -> Meant[Gpu]:
    """Any card with so much memory of its own, as people have them now: the one whose driver shows least of it."""
    cards = [g for g in sized if not _unified(g)]
    modern = [g for g in cards if g.supports_bf16] or cards
    if not modern:
        sizes = sorted({_gb(g) for g in gpus() if g.kind and not _unified(g)}, key=lambda n: abs(n - float(size)))
        near = ", ".join(f"{n} GB" for n in sorted(sizes[:4]))
        raise fail("fit.unknown_gpu", f"The catalogue has no card with {size} GB.", f"Sizes near to it: {near}.")
    best = min(modern, key=lambda g: (g.usable_bytes, -g.year))
    others = sorted((g.name for g in modern if g is not best), key=lambda name: "GeForce" not in name)
    return Meant(best, f"Of the cards with {size} GB this is {best.name}, the one that offers least{_also(others)}.")


def _ranked(asked: Sequence[str], among: Iterable[T], name: Callable[[T], str]) -> list[T]:
    """Those whose name has every word that was said, the ones with fewest further words first."""
    if not asked:
        return []
    able = [one for one in among if _has(asked, words_of(name(one)))]
    return sorted(able, key=lambda one: _beyond(asked, name(one)))


def _has(asked: Sequence[str], words: Sequence[str]) -> bool:
    """Every word; or the letters in one piece (`lama 3 8b`, `tinyllama`), but never a number that it has not."""
    if all(word in words for word in asked):
        return True
    joined, numbers = "".join(asked), {word for word in asked if word[0].isdigit()}
    return len(joined) >= SHORTEST_PIECE and joined in "".join(words) and numbers <= set(words)


def _beyond(asked: Sequence[str], name: str) -> int:
    return len(words_of(name)) - len(asked)


def _guessed(text: str, found: str, others: Sequence[str]) -> str:
    return f"Taken for {text.strip()!r}: {found}{_also(others)}." if others else ""


def _also(others: Sequence[str]) -> str:
    if not others:
        return ""
    left = len(others) - MOST_OTHERS
    listed = ", ".join(others[:MOST_OTHERS]) + (f" and {left} more" if left > 0 else "")
    return f"; it could also be {listed}"


def _unknown(code: str, what: str, text: str, names: Iterable[str], otherwise: str) -> ProblemError:
    """With the names that look most like it, or like the end of it."""
    asked = "".join(words_of(text))

    def likeness(name: str) -> float:
        words = words_of(name)
        ends = ("".join(words[i:]) for i in range(len(words)))
        return max(difflib.SequenceMatcher(None, asked, end).ratio() for end in ends)

    alike = sorted(((likeness(name), name) for name in names), key=lambda one: -one[0]) if asked else []
    near = [name for ratio, name in alike[:5] if ratio >= NEAR_NAME]
    advice = f"Near to it: {', '.join(near)}; or {otherwise}." if near else f"Check the spelling, or {otherwise}."
    return fail(code, f"The catalogue has no {what} {text.strip()!r:.80}.", advice)
