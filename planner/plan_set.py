"""`--set slot.option=value`: one change of a plan, written as text. Whatever it does not understand it says, with
what there is instead; it never ignores or guesses.
"""

from __future__ import annotations

import contextlib
import re
import typing
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from planner.facts.mapping import mapping_of
from planner.facts.model import catalogue
from planner.facts.model.adapter import is_adapter, read_adapter
from planner.facts.model.facts import ModelFacts
from planner.facts.read_data import read_data
from planner.models_here import base_of, read_model
from planner.options import bounds_problems, coerce
from planner.plan import Plan
from planner.presets import EMBEDDED, SAMPLE, embedded_model, sample_data
from planner.problem import ProblemError, fail
from planner.slots import Slot
from planner.techniques import registry

ADAPTER_NOTE = "a new adapter with the settings of"
PLACES = ("model", "data", "data.map", "name", "schedule.OPTION")


def apply_all(plan: Plan, changes: Sequence[str]) -> Plan:
    """The plan after several changes, in order. A file is read with the mapping that is said of it later on: of columns
    whose names tell nothing no guess is to be had. Raises what `apply_set` raises.
    """
    keys = [change.partition("=")[0].strip() for change in changes]
    mapped: set[int] = set()
    for at, (key, change) in enumerate(zip(keys, changes, strict=True)):
        if at in mapped:
            continue
        until = next((i for i in range(at + 1, len(keys)) if keys[i] == "data"), len(keys))
        said = [i for i in range(at + 1, until) if keys[i] == "data.map"]
        value = change.partition("=")[2]
        if key != "data" or not said or value == SAMPLE:
            plan = apply_set(plan, change)
            continue
        mapped.update(said)
        mapping = mapping_of(_columns(changes[said[-1]].partition("=")[2]))
        plan = replace(plan, data=read_data(_path(value, key), plan.model, mapping=mapping))
    return plan


def _columns(text: str) -> list[str]:
    """`role=column` texts that stand behind commas; a comma that no role follows belongs to a column's name."""
    return re.split(r",(?=\s*\w+\s*=)", text) if text.strip() else []


def apply_set(plan: Plan, text: str) -> Plan:
    """The changed plan.

    Forms: `model=FOLDER, .gguf file, adapter or catalogue id`, `data=FILE`, `data.map=ROLE=COLUMN,…`, `name=TEXT`, `schedule.option=value`, `slot=technique`,
    `slot.option=value`. Raises ProblemError `set.not_understood`, `set.unknown`, `technique.unknown`, `option.unknown`,
    `option.wrong_type`, `option.out_of_bounds`, and what a model folder or data file raises.
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise fail(
            "set.not_understood", f"{text!r:.120} is not of the form what=value.", f"What may be set: {_known()}."
        )
    if key == "model":
        return with_model_at(plan, value)
    if key == "data":
        data = sample_data(plan.model) if value == SAMPLE else read_data(_path(value, key), plan.model)
        return replace(plan, data=data)
    if key == "data.map":
        if not plan.data.path:
            raise fail(
                "data.not_on_disk", f"{plan.data.name} has no file to map.", "Choose one first: --set data=FILE."
            )
        mapping = mapping_of(_columns(value))
        return replace(plan, data=read_data(plan.data.path, plan.model, name=plan.data.name, mapping=mapping))
    if key == "name":
        return replace(plan, name=value)
    where, dot, option = key.partition(".")
    if where == "schedule" and dot:
        return plan.with_schedule(_changed(plan.stage.schedule, option, value, "schedule"))
    if where not in [s.value for s in registry.slots()]:
        raise fail("set.unknown", f"There is nothing called {key!r:.80} to set.", f"What may be set: {_known()}.")
    slot = Slot(where)
    now = plan.stage.choice(slot)
    if not dot:
        same = now is not None and now.technique == value
        return plan if same else plan.with_choice(registry.default_choice(slot, value))
    choice = now or registry.default_choice(slot)
    return plan.with_choice(replace(choice, options=_changed(choice.options, option, value, where)))


def _known() -> str:
    slots = ", ".join(f"{s.value}[.OPTION]" for s in registry.slots())
    return f"{', '.join(PLACES)}, {slots}"


def _changed(options: Any, name: str, value: str, where: str) -> Any:
    known = [f.name for f in fields(options)]
    if name not in known:
        raise fail(
            "option.unknown",
            f"{where} has no option called {name!r:.80}.",
            f"Options there: {', '.join(known) or 'none'}.",
        )
    kind = typing.get_type_hints(type(options))[name]
    changed = replace(options, **{name: coerce(kind, value.strip(), f"{where}.{name}")})
    if problems := bounds_problems(changed, where):
        raise ProblemError(problems[0])
    return changed


def find_model(text: str) -> ModelFacts:
    """A folder or .gguf file on this computer, the embedded model, or a catalogue entry, in this order."""
    if text == EMBEDDED:
        return embedded_model()
    path = _path(text, "model")
    if "\0" not in text and path.exists():
        return read_model(path)
    if text.startswith((".", "/", "~")) or "\\" in text:  # plainly a path, so say that the path is missing
        return read_model(path)
    return catalogue.find(text)


def with_model_at(plan: Plan, text: str) -> Plan:
    """The plan with what `find_model` finds; of an adapter with its base model and its settings."""
    path = _path(text, "model")
    if text != EMBEDDED and "\0" not in text and is_adapter(path):
        return with_adapter(plan, path)
    return with_model(plan, find_model(text))


def with_adapter(plan: Plan, folder: Path) -> Plan:
    """The plan of a new adapter with the settings of one that is there, on its base model; its weights are not taken.

    Raises ProblemError `adapter.*`, and what reading the base model raises.
    """
    adapter = read_adapter(folder)
    choice = registry.choice_like(adapter)
    if choice is None:
        raise fail(
            "adapter.kind",
            f"{adapter.name} is an adapter of the kind {adapter.kind}, and settings are taken of LoRA adapters only.",
            f"Choose its base model{f' {adapter.base}' if adapter.base else ''} and plan an adapter of your own.",
        )
    base = base_of(adapter)
    differs = f"; not taken: {'; '.join(adapter.differs)}" if adapter.differs else ""
    note = f"{base.provenance} · {ADAPTER_NOTE} {adapter.name}{differs}"
    return with_model(plan, replace(base, provenance=note)).with_choice(choice)


def _path(text: str, what: str) -> Path:
    """The path a person typed; an empty one would be the working directory, which nobody named."""
    if not text.strip():
        raise fail("set.not_understood", f"No {what} is named.", f"Give a path: {what}=PATH.")
    with contextlib.suppress(RuntimeError):  # "~stranger": no such person here, so it is a name like any other
        return Path(text).expanduser()
    return Path(text)


def with_model(plan: Plan, model: ModelFacts) -> Plan:
    """The plan with another model. Token lengths belong to a tokenizer, so the data are read again where they can be."""
    if not plan.data.path:
        return replace(plan, model=model)
    data = read_data(plan.data.path, model, name=plan.data.name, mapping=plan.data.mapping)
    return replace(plan, model=model, data=data)
