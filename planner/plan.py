"""The plan: one frozen, hashable value that says everything, and that travels through the whole program."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from planner.facts.data import DataFacts
from planner.facts.machine import MachineFacts
from planner.facts.model.facts import ModelFacts
from planner.options import NoOptions
from planner.schedule import Schedule
from planner.slots import ORDER, Slot

SCHEMA = 1


@dataclass(frozen=True)
class Choice:
    """The answer to one slot's question: a technique's name and its options."""

    slot: Slot
    technique: str
    options: Any = field(default_factory=NoOptions)


@dataclass(frozen=True)
class Stage:
    """One stretch of training with one set of answers. Most plans have exactly one."""

    choices: tuple[Choice, ...]
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.choices, key=lambda c: ORDER[c.slot]))
        if len({c.slot for c in ordered}) != len(ordered):
            raise ValueError("a stage answers each slot once")
        object.__setattr__(self, "choices", ordered)

    def choice(self, slot: Slot) -> Choice | None:
        for choice in self.choices:  # looked up several times in each estimate: a loop is faster than a generator
            if choice.slot is slot:
                return choice
        return None

    def with_choice(self, choice: Choice) -> Stage:
        return replace(self, choices=(*(c for c in self.choices if c.slot is not choice.slot), choice))


@dataclass(frozen=True)
class Plan:
    """Model, data, machine and stages. Equal plans have equal estimates."""

    name: str
    model: ModelFacts
    data: DataFacts
    machine: MachineFacts
    stages: tuple[Stage, ...]
    schema: int = SCHEMA

    @property
    def stage(self) -> Stage:
        """The first stage; what a one-stage screen edits."""
        return self.stages[0]

    def with_stage(self, stage: Stage, index: int = 0) -> Plan:
        return replace(self, stages=(*self.stages[:index], stage, *self.stages[index + 1 :]))

    def with_choice(self, choice: Choice, index: int = 0) -> Plan:
        return self.with_stage(self.stages[index].with_choice(choice), index)

    def with_schedule(self, schedule: Schedule, index: int = 0) -> Plan:
        return self.with_stage(replace(self.stages[index], schedule=schedule), index)
