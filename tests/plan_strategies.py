"""Hypothesis strategies for whole plans: every technique with every option in bounds, facts with any text."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from planner.facts.data import DataFacts
from planner.facts.machine import KINDS, MachineFacts
from planner.facts.mapping import Mapping
from planner.facts.model.facts import ModelFacts
from planner.options import Described
from planner.plan import Choice, Plan, Stage
from planner.schedule import Schedule
from planner.techniques import registry

# what tends to break out of strings, comments, formats and files
NASTY = (
    '"', "'", '"""', "'''", "\\", "\\\n", "\n", "\r", "\0", "\x1b[31m", "\u2028", "\u2029", "\x85", "\x0c", "\ufeff",
    "\u202e", "\u200b", "\ud800", "\udcff", "{}", "{0}", "{facts}", "{{", "%s", "$(x)", "`", "*/", "-->", "<script>",
    "#", "\n# ", "\nimport os\n", "'); import os; ('", "# -*- coding: utf-7 -*-", "coding: rot13", "#!", "é", "ß", "漢", "🦉",
)  # fmt: skip
any_text = (
    st.lists(st.one_of(st.sampled_from(NASTY), st.text(st.characters(), max_size=8)), max_size=6)
    .map("".join)
    .map(
        # two halves of a surrogate pair side by side are one character; JSON knows no difference
        lambda text: text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    )
)


def _value(kind: Any, described: Described | None = None) -> st.SearchStrategy[Any]:
    low = described.minimum if described else None
    high = described.maximum if described else None
    if described and described.choices:
        return st.sampled_from([v for v, _ in described.choices])
    if kind is str:
        return any_text
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(int(low or 0), int(high) if high is not None else 2**53)
    if kind is float:
        return st.floats(low if low is not None else 0.0, high, allow_nan=False, allow_infinity=False)
    if typing.get_origin(kind) is tuple:
        return st.lists(_value(typing.get_args(kind)[0]), max_size=3).map(tuple)
    assert dataclasses.is_dataclass(kind), kind
    return records(kind)


def records(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Instances of a dataclass with any values of its types; options keep to their bounds."""
    hints = typing.get_type_hints(cls)
    return st.builds(
        cls, **{f.name: _value(hints[f.name], f.metadata.get("option")) for f in dataclasses.fields(cls) if f.init}
    )


def stages() -> st.SearchStrategy[Stage]:
    """One technique for each slot, with options."""
    answers = [
        st.sampled_from(registry.of_slot(slot)).flatmap(
            lambda t: st.builds(Choice, st.just(t.slot), st.just(t.name), records(t.Options))
        )
        for slot in registry.slots()
    ]
    return st.builds(Stage, st.tuples(*answers), records(Schedule))


def plans() -> st.SearchStrategy[Plan]:
    return st.builds(
        Plan,
        any_text,
        records(ModelFacts),
        records(DataFacts).map(_agreeing),
        records(MachineFacts).map(_of_known_kinds),
        st.lists(stages(), min_size=1, max_size=2).map(tuple),
    )


def _agreeing(data: DataFacts) -> DataFacts:
    """A file is refused when its lengths are not as many as its rows, or no row could be made with its mapping."""
    n = len(data.lengths)
    prompts = data.prompt_lengths if len(data.prompt_lengths) == n else data.lengths[:n]
    mapping = Mapping(
        "prompt_completion", (("prompt", f"q{data.name}"), ("completion", f"a{data.path}")), len(data.name) % 2 > 0
    )
    return replace(data, rows=n or data.rows, prompt_lengths=prompts if n else (), mapping=mapping)


def _of_known_kinds(machine: MachineFacts) -> MachineFacts:
    devices = tuple(replace(d, kind=KINDS[len(d.kind) % len(KINDS)]) for d in machine.devices)
    return replace(machine, devices=devices)
