"""What a technique is: a mirrored pair, a planner half here and a torch half of the same file name in `backends`.

The planner half says what it does to the draft, what it conflicts with, and its part of an exported script. Nothing
outside the pair and the registry knows its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from planner.draft import Draft
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot


@dataclass(frozen=True)
class ScriptPart:
    """A technique's share of an exported script: Python source of public libraries with literal values.

    imports: whole import lines. load: (keyword, source) for `from_pretrained`. arguments: (SFTConfig field, JSON
    value), also used by the worker. wrap: source lines that turn `model` into the trained model. trainer: (keyword,
    source) for the trainer's constructor. mixin: a class of the twin file that the trainer inherits first; the twin
    file is then carried along in the export. libraries: (name, tested version) of those it needs beside the ones that
    every run has.
    """

    imports: tuple[str, ...] = ()
    load: tuple[tuple[str, str], ...] = ()
    arguments: tuple[tuple[str, Any], ...] = ()
    wrap: tuple[str, ...] = ()
    trainer: tuple[tuple[str, str], ...] = ()
    mixin: str = ""
    libraries: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Cost:
    """What advice ranks by, beside bytes. A technique may carry one as its attribute `cost`; without it, it is free.

    time: seconds per token, relative to the first technique of its slot; source: where that figure is from. loses:
    what a person gives up against the slot's most faithful answer, in words; severity: 0 nothing, 1 digits, 2 what
    the model can learn.
    """

    time: float = 1.0
    source: str = ""
    loses: str = ""
    severity: int = 0


@dataclass(frozen=True)
class Variant:
    """The same technique with other options, as its method `variants(options)` may offer. severity, against the
    options it started from: negative gains something, 0 changes nothing but bytes and time, positive loses it. short:
    a word or three for a button, the title where there is none."""

    options: Any
    title: str
    loses: str = ""
    severity: int = 0
    time: float = 1.0
    source: str = ""
    short: str = ""


class Spread(NamedTuple):
    """One way in which a technique can be set, for `planner.explore`, along one number where it has one.

    facets: what to call it, for filters, as (question, answer): ("Targets", "q_proj, v_proj"). settings: (number,
    options) in rising order, the number being the rank; a single one with the number 0 where nothing is varied.
    """

    facets: tuple[tuple[str, str], ...]
    settings: tuple[tuple[int, Any], ...]


class Technique(Protocol):
    """One answer to one slot's question.

    name: the word in plans and `--set`; label: for people; summary: one sentence; reference: paper or library page;
    twin: name of the module in `backends.techniques`, empty when the worker has nothing to do.

    Some more are optional: for `planner.advise` an attribute `cost` (`Cost`) and a method `variants(options)` that
    returns a tuple of `Variant`, and an attribute `short`, a word or three for a button; for `planner.explore` a method `spread(plan, options)` that returns a tuple of
    `Spread`, each different from the others in bytes or in what is learned. plan: with its earlier slots answered. And
    for both a method `learns(options)`: the word in `assets/quality.json` for what it lets a model learn; a technique
    without it has no part in that. A technique that trains adapters may have `of_adapter(adapter)`: the options of one that
    was trained elsewhere, None for another kind.
    """

    slot: Slot
    name: str
    label: str
    summary: str
    reference: str
    twin: str
    Options: type[Any]

    def problems(self, plan: Plan, options: Any) -> list[Problem]:
        """Why this choice cannot stand in this plan; empty when it can."""

    def apply(self, options: Any, draft: Draft) -> Draft:
        """The draft with this technique's effect. May replace only what its slot owns."""

    def script(self, options: Any, plan: Plan) -> ScriptPart:
        """Its part of the exported script."""
