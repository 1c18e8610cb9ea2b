"""What can be picked in the first part of the form, and the plans that would come of it. Qt-free; may read files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path

from app.other_machines import OtherMachine, from_text, named_apart
from planner import presets
from planner.assets import asset
from planner.facts.gpus import other_machine
from planner.facts.machine import MachineFacts
from planner.facts.model import catalogue
from planner.facts.model.adapter import is_adapter
from planner.facts.model.facts import ModelFacts
from planner.facts.read_data import read_data
from planner.models_here import read_model
from planner.plan import Plan
from planner.plan_set import with_adapter, with_model
from planner.slots import Slot


@dataclass(frozen=True)
class Pick:
    """One entry of a menu. kind: embedded, catalogue, folder, sample, file, here, gpu, described, other, browse,
    browse_file, unfinished or download; which: which one."""

    kind: str
    which: str = ""

    def is_data_of(self, plan: Plan) -> bool:
        return self.kind == "sample" and plan.data.path == str(asset("sample", "questions.jsonl"))


def model_of(pick: Pick) -> ModelFacts:
    """The facts of a picked model. Raises ProblemError `model.…`."""
    if pick.kind == "embedded":
        return presets.embedded_model()
    if pick.kind == "catalogue":
        return catalogue.find(pick.which)
    return read_model(pick.which)


def plan_with_model(plan: Plan, pick: Pick) -> Plan:
    """The plan with a picked model and the lengths its tokenizer gives; of an adapter with its base model and settings.

    Raises ProblemError `model.…`, `gguf.…`, `adapter.…`, `data.…`.
    """
    if pick.kind == "folder" and is_adapter(Path(pick.which)):
        return with_adapter(plan, Path(pick.which))
    return with_model(plan, model_of(pick))


def plan_with_data(plan: Plan, pick: Pick) -> Plan:
    """The plan with picked data. Raises ProblemError `data.…`."""
    data = presets.sample_data(plan.model) if pick.kind == "sample" else read_data(pick.which, plan.model)
    return replace(plan, data=data)


def plan_with_machine(plan: Plan, here: MachineFacts | None, pick: Pick) -> Plan:
    """The plan on a picked device of this computer, or on another computer with one card of the catalogue."""
    if pick.kind == "here":
        assert here is not None
        return on_device(replace(plan, machine=here), pick.which)
    machine = described_by(pick, here, plan.machine)
    return on_device(replace(plan, machine=machine), machine.devices[0].id)


def described_by(pick: Pick, here: MachineFacts | None, now: MachineFacts) -> MachineFacts:
    """Another computer: one card of the catalogue in an ordinary one, or one that a person described. Raises ProblemError
    `machine.unknown_gpu`."""
    if pick.kind == "gpu":
        return other_machine(pick.which)
    return named_apart((from_text(pick.which) or OtherMachine()).facts(), here, now)


def on_device(plan: Plan, device_id: str) -> Plan:
    """The plan with its placement's option `device`, where the placement has one."""
    choice = plan.stage.choice(Slot.PLACEMENT)
    if choice is None or "device" not in {f.name for f in fields(choice.options)}:
        return plan
    return plan.with_choice(replace(choice, options=replace(choice.options, device=device_id)))


def model_plans(plan: Plan, names: Iterable[str]) -> list[Plan]:
    """The plan with each of these catalogue models, for the marks in a menu; the data's lengths stay as they are."""
    return [replace(plan, model=catalogue.find(name)) for name in names]


def machine_plans(plan: Plan, here: MachineFacts | None, picks: Iterable[Pick]) -> list[Plan]:
    return [plan_with_machine(plan, here, pick) for pick in picks]


def params_words(n: int) -> str:
    """`8.03 B`, `135 M` parameters; empty when not known."""
    if n >= 1_000_000_000:
        return f"{n / 1e9:.2f} B"
    return f"{n / 1e6:.0f} M" if n else ""
