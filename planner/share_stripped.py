"""What of a plan may leave the computer: everything that figures come from, and nothing that says whose it is.

Paths, names of rows, of other programs and of the computer, digests and the text of a prompt are left out or stand
replaced by their size, so that the figures stay what they are. It is done to a text that comes in as well: a stranger's
path is never followed.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from functools import cache

from planner import strict_json
from planner.assets import asset
from planner.calibration.correction import PROOF, Correction
from planner.calibration.fingerprint import device_name, fingerprint
from planner.drafting import device_of
from planner.estimate import heaviest_batch
from planner.facts.data import DataFacts
from planner.facts.gpus import other_machine
from planner.facts.machine import Device, Holder, MachineFacts
from planner.facts.model import catalogue
from planner.facts.model.facts import ModelFacts
from planner.plan import Plan
from planner.problem import ProblemError

SAMPLE_NAME, ROWS_NAME = "Sample questions", "shared rows"
MACHINE_NOTE = "Not this computer: the one a plan was shared from, as it was then."
MODEL_NOTE = "As it was shared; nothing of it was read on this computer."
OTHERS = "other programs"


def stripped(plan: Plan) -> Plan:
    """The plan as it may be shared; its estimate has the same figures. Stripping twice changes nothing more."""
    model, data = _model(plan.model), _data(plan.data)
    machine = _machine(plan)
    short = model.name.rsplit("/", 1)[-1]
    return replace(plan, name=f"{short} on {data.name}", model=model, data=data, machine=machine)


def _model(model: ModelFacts) -> ModelFacts:
    note = MODEL_NOTE
    if model.source == "catalogue":
        with contextlib.suppress(ProblemError):
            note = catalogue.find(model.name).provenance
    return replace(model, name=plain_name(model.name), path="", gguf="", provenance=note)


def plain_name(name: str) -> str:
    """`owner/model` as it is; of anything longer, or of a path, the last part."""
    parts = [p for p in re.split(r"[/\\]", name) if p not in ("", ".", "..")]
    is_path = name.startswith(("/", "~", ".", "\\")) or len(parts) > 2 or "\\" in name or ":" in parts[:1]
    return parts[-1] if is_path and parts else name


def _data(data: DataFacts) -> DataFacts:
    sample = data.sha256 == sample_sha256()
    return replace(
        data,
        name=SAMPLE_NAME if sample else ROWS_NAME,
        path="",
        sha256=data.sha256 if sample else "",
        mapping=replace(
            data.mapping, columns=tuple((role, role) for role, _ in data.mapping.columns)
        ),  # no one's names
        notes=(),
        sample_prompt="x" * len(data.sample_prompt.encode("utf-8", "surrogatepass")),  # its size moves a figure
    )


@cache
def sample_sha256() -> str:
    """Of the rows that come with the program: they are on every computer that has it."""
    return str(strict_json.parse(asset("sample", "lengths.json").read_text(encoding="utf-8"))["data"])


def _machine(plan: Plan) -> MachineFacts:
    machine, device = plan.machine, device_of(plan)
    if _is_catalogue(machine):
        return machine
    name = f"a computer with {device.name}" if device else "another computer"
    return replace(
        machine,
        name=f"{name} (shared)",
        os=re.split(r"[^A-Za-z]", machine.os, maxsplit=1)[0],
        devices=tuple(replace(d, others=_holders(d.others)) for d in machine.devices),
        ram_others=_holders(machine.ram_others),
        notes=(MACHINE_NOTE,),
        corrections=_corrections(plan, device) if device and machine.corrections else (),
    )


def _is_catalogue(machine: MachineFacts) -> bool:
    """Whether it is a card of the catalogue in the computer that is assumed around it."""
    try:
        return bool(machine.devices) and machine == other_machine(
            machine.devices[0].name, ram_bytes=machine.ram_total_bytes
        )
    except ProblemError:
        return False


def _holders(others: tuple[Holder, ...]) -> tuple[Holder, ...]:
    return (Holder(OTHERS, sum(h.bytes for h in others)),) if others else ()


def _corrections(plan: Plan, device: Device) -> tuple[Correction, ...]:
    """Those that these figures come from; the runs behind them by number instead of by name."""
    word = fingerprint(plan, tuple(heaviest_batch(plan, i) for i in range(len(plan.stages))))
    mine = [
        c for c in plan.machine.corrections if c.device == device_name(device) and (c.term != PROOF or c.plan == word)
    ]
    names = {run: f"run {i}" for i, run in enumerate(dict.fromkeys(r for c in mine for r in c.runs), 1)}
    return tuple(replace(c, runs=tuple(names[r] for r in c.runs)) for c in mine)
