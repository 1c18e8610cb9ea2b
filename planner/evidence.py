"""How far predictions like this one have missed: medians over published runs, by what the runs have in common.

The table is `assets/evidence.json`, written by the benchmark over measured rows. A plan is looked up by its physical
description, never by a name, so that what is said about published runs holds for a person's own.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple

from planner.assets import asset
from planner.draft import Draft
from planner.drafting import draft
from planner.plan import Plan

FEWEST_RUNS = 5  # a median over fewer says nothing


class Likeness(NamedTuple):
    """What makes two training runs alike for memory. trains: adapter or all; an empty word stands for either."""

    device: str
    trains: str = ""
    packed: str = ""
    kept: str = ""

    @property
    def wider(self) -> tuple[Likeness, ...]:
        """This likeness, then ever less of it."""
        return (
            self,
            self._replace(packed=""),
            self._replace(packed="", kept=""),
            self._replace(packed="", kept="", trains=""),
        )


class Evidence(NamedTuple):
    """runs: how many were compared; the miss is |predicted − measured| ÷ measured, in percent."""

    likeness: Likeness
    runs: int
    median_pct: float
    p90_pct: float

    def __str__(self) -> str:
        return (
            f"For plans like this one ({_words(self.likeness)}) the median error was {self.median_pct:.1f} % "
            f"over {self.runs} measured runs, and 9 of 10 were within {self.p90_pct:.1f} %."
        )


def likeness(one: Draft) -> Likeness:
    """What a draft has in common with others."""
    tensors = [tensor for stack in one.stacks for tensor in stack.tensors]
    adapter = any(tensor.role == "adapter" for tensor in tensors)
    packed = any(tensor.packing is not None for tensor in tensors)
    return Likeness(
        "cpu" if one.device == "cpu" else "card",
        "adapter" if adapter else "all",
        "packed" if packed else "plain",
        "inputs" if one.recompute else "everything",
    )


def of_plan(plan: Plan) -> Evidence | None:
    """What is known of plans like this one."""
    return evidence(likeness(draft(plan)))


def evidence(one: Likeness) -> Evidence | None:
    """The narrowest group of measured runs that are alike in this way and are enough; None when nothing was measured."""
    table = _table()
    for wanted in one.wider:
        found = table.get(wanted)
        if found is not None and found.runs >= FEWEST_RUNS:
            return found
    return None


def _words(one: Likeness) -> str:
    """`a card, adapters on packed weights, layer inputs kept`."""
    where = "on the CPU" if one.device == "cpu" else "on a card"
    base = {"packed": " on quantised weights", "plain": ""}.get(one.packed, "")
    trains = {"adapter": f"adapters{base}", "all": "all weights trained"}.get(one.trains, "training")
    kept = {"inputs": ", with checkpointing", "everything": ", without checkpointing"}.get(one.kept, "")
    return f"{trains}{kept}, {where}"


@lru_cache(maxsize=1)
def _table() -> dict[Likeness, Evidence]:
    groups = json.loads(asset("evidence.json").read_text(encoding="utf-8"))["groups"]
    found = {}
    for g in groups:
        key = Likeness(g["device"], g["trains"], g["packed"], g["kept"])
        found[key] = Evidence(key, g["runs"], g["median_pct"], g["p90_pct"])
    return found
