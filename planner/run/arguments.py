"""The trainer's arguments of a run: every field of TRL's SFTConfig that moves bytes or losses, as a literal.

The table `assets/trainer_arguments.json` lists each field of the pinned version, either with a value and a reason,
or as left out because it moves neither. A default that changes in a later version therefore changes nothing here.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from planner.assets import asset
from planner.estimate import device_of
from planner.facts.machine import Device
from planner.facts.rows import COLUMNS as COLUMNS
from planner.plan import Plan, Stage
from planner.problem import fail
from planner.slots import Slot
from planner.techniques import registry
from planner.techniques.technique import ScriptPart

# transformers 5.23 renamed these; a technique may use either name, the run spec uses the new one
RENAMED = {
    "gradient_checkpointing": "activation_checkpointing",
    "gradient_checkpointing_kwargs": "activation_checkpointing_kwargs",
}


@functools.cache
def table() -> dict[str, Any]:
    """The asset as read: {source, libraries, written_out: [{field, value | from, why}], left_out: [{field, why}]}."""
    read: dict[str, Any] = json.loads(asset("trainer_arguments.json").read_text(encoding="utf-8"))
    return read


def why(field: str) -> str:
    """One sentence about an argument; empty for a field a technique brought along that the table does not know."""
    return next((str(row["why"]) for row in table()["written_out"] if row["field"] == field), "")


def pinned_libraries() -> dict[str, str]:
    """The versions the table was written for."""
    return dict(table()["libraries"])


def script_parts(plan: Plan, stage: Stage) -> tuple[tuple[Slot, ScriptPart], ...]:
    """What each technique contributes, in slot order."""
    return tuple((c.slot, registry.technique(c.slot, c.technique).script(c.options, plan)) for c in stage.choices)


def computing_device(plan: Plan) -> Device:
    """The device that computes. Raises ProblemError `machine.no_such_device`."""
    found = device_of(plan)
    if found is None:
        known = ", ".join(d.id for d in plan.machine.devices) or "none"
        raise fail("machine.no_such_device", f"{plan.machine.name} lacks the plan's device.", f"Devices: {known}.")
    return found


def _from_plan(plan: Plan, stage: Stage) -> dict[str, Any]:
    s = stage.schedule
    on_cpu = computing_device(plan).kind == "cpu"
    if s.completion_only and plan.data.form != "prompt_completion":
        raise fail(
            "data.no_prompts",
            f"{plan.data.name} has no prompt and completion, so there are no answers to tell apart.",
            "Turn “Loss on answers only” off, or map a prompt and a completion.",
        )
    return {
        "per_device_train_batch_size": s.micro_batch,
        "gradient_accumulation_steps": s.grad_accumulation,
        "num_train_epochs": float(s.epochs),
        "max_steps": s.max_steps,
        "learning_rate": s.learning_rate,
        # transformers' plain "constant" has no warm-up and would ignore it without a word
        "lr_scheduler_type": "constant_with_warmup"
        if s.lr_scheduler == "constant" and s.warmup_steps
        else s.lr_scheduler,
        "warmup_steps": s.warmup_steps,
        "weight_decay": s.weight_decay,
        "max_grad_norm": s.max_grad_norm,
        "eval_strategy": "steps" if s.eval_fraction and s.eval_steps else "no",
        "eval_steps": (s.eval_steps or None) if s.eval_fraction else None,
        "per_device_eval_batch_size": s.eval_batch or s.micro_batch,
        "save_steps": s.save_steps,
        "seed": s.seed,
        "data_seed": s.seed,
        "use_cpu": on_cpu,
        "dataloader_pin_memory": not on_cpu,
        "train_sampling_strategy": "random" if s.shuffle else "sequential",
        "max_length": s.max_length,
        "completion_only_loss": s.completion_only,
    }


def trainer_arguments(plan: Plan, stage: Stage) -> tuple[tuple[str, Any], ...]:
    """(field, JSON value) in the table's order. Raises ProblemError when the plan contradicts itself."""
    given = _from_plan(plan, stage)
    brought: dict[str, Any] = {}
    for slot, part in script_parts(plan, stage):
        for field, value in part.arguments:
            name = RENAMED.get(field, field)
            assert brought.get(name, value) == value, f"two techniques set {name} differently, the second is {slot}"
            brought[name] = value
    rows: list[Mapping[str, Any]] = table()["written_out"]
    literals = {row["field"]: given[row["field"]] if row.get("from") == "plan" else row["value"] for row in rows}
    assert set(given) <= set(literals), "a field of the plan is missing from the table"
    return tuple({**literals, **brought}.items())
