"""Plans to start from, one JSON file each in `assets/presets`: the example, and a few by what computer one has.

A preset names a model, data, perhaps a machine, and what it does not leave to the defaults. Nothing is fetched; a
model that is not on this computer is planned from the catalogue's shapes.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Any

from planner import plan_file, strict_json
from planner.assets import asset
from planner.facts.data import DataFacts
from planner.facts.machine import MachineFacts
from planner.facts.model import catalogue
from planner.facts.model.facts import ModelFacts
from planner.facts.model.folder import read_folder
from planner.facts.read_data import read_data
from planner.plan import Choice, Plan, Stage
from planner.problem import ProblemError, fail
from planner.run.home import EXAMPLE_MODEL, example_model_dir
from planner.schedule import Schedule
from planner.slots import Slot
from planner.strict_json import DamagedError
from planner.techniques import registry

EMBEDDED = "embedded"  # the word for the embedded model in a preset and in --set model=…
SAMPLE = "sample"  # the word for the sample data
EMBEDDED_SHAPE = "HuggingFaceTB/SmolLM2-135M"  # its entry in the catalogue, used until the model is on the disk


@dataclass(frozen=True)
class Preset:
    """As read from its file. machine: a computer to plan for, None for the one the program runs on."""

    name: str
    title: str
    says: str
    model: str
    data: DataFacts | None
    machine: MachineFacts | None
    stage: Stage


def preset_names() -> tuple[str, ...]:
    """`first-run` first, then the others in alphabetical order."""
    names = sorted(p.stem for p in asset("presets").glob("*.json"))
    return tuple(sorted(names, key=lambda name: name != "first-run"))


def read_preset(name: str) -> Preset:
    """One preset. Raises ProblemError `preset.unknown`, `preset.damaged`."""
    if name not in preset_names():
        raise fail("preset.unknown", f"There is no preset {name!r:.80}.", f"Presets: {', '.join(preset_names())}.")
    try:
        raw = strict_json.parse(asset("presets", f"{name}.json").read_text(encoding="utf-8"))
        found = strict_json.fields(raw, name, {"title", "says", "model", "data", "machine", "stage"})
        data, machine = found["data"], found["machine"]
        return Preset(
            name,
            found["title"],
            found["says"],
            found["model"],
            None if data == SAMPLE else strict_json.record(DataFacts, data, "data"),
            None if machine is None else strict_json.record(MachineFacts, machine, "machine"),
            plan_file.stage_from_json(found["stage"], f"{name}.stage"),
        )
    except (OSError, DamagedError) as error:
        raise fail(
            "preset.damaged", f"The preset {name} cannot be read: {error}.", "Install the program again."
        ) from None


def situations() -> tuple[tuple[str, str, str], ...]:
    """(name, title, what it says) of every preset that can be read; the window's menu of situations."""
    found = []
    for name in preset_names():
        try:
            preset = read_preset(name)
        except ProblemError:
            continue
        found.append((name, preset.title, preset.says))
    return tuple(found)


def load_preset(name: str, machine: MachineFacts) -> Plan:
    """The plan of a preset; on `machine` unless the preset names a computer of its own."""
    preset = read_preset(name)
    model = embedded_model() if preset.model == EMBEDDED else catalogue.find(preset.model)
    data = preset.data or sample_data(model)
    plan = default_plan(model, data, preset.machine or machine, name=preset.title)
    stage = replace(plan.stage, schedule=preset.stage.schedule)
    for choice in preset.stage.choices:
        stage = stage.with_choice(choice)
    return plan.with_stage(stage)


def default_plan(model: ModelFacts, data: DataFacts, machine: MachineFacts, name: str = "") -> Plan:
    """Each slot's default technique, on the best device of the machine."""
    choices = tuple(registry.default_choice(slot) for slot in registry.slots())
    stage = Stage(tuple(_on_best_device(c, machine) if c.slot is Slot.PLACEMENT else c for c in choices), Schedule())
    return Plan(name or f"{model.name} on {data.name}", model, data, machine, (stage,))


def _on_best_device(choice: Choice, machine: MachineFacts) -> Choice:
    """The accelerator with the most free memory, else the machine's first device."""
    accelerators = sorted((d for d in machine.devices if d.kind != "cpu"), key=lambda d: -d.free_bytes)
    best = next(iter((*accelerators, *machine.devices)), None)
    if best is None or "device" not in {f.name for f in dataclasses.fields(choice.options)}:
        return choice
    return replace(choice, options=replace(choice.options, device=best.id))


def embedded_model() -> ModelFacts:
    """The embedded model: from its folder, or from the catalogue's shapes before it was fetched."""
    folder = example_model_dir()
    if (folder / "config.json").is_file():
        return read_folder(folder, name=EXAMPLE_MODEL, source=EMBEDDED)
    shape = catalogue.find(EMBEDDED_SHAPE)
    return replace(shape, name=EXAMPLE_MODEL, source=EMBEDDED, tokenizer=_counted_with(), has_chat_template=True)


def _counted_with() -> str:
    """Digest of the tokenizer that the shipped lengths were counted with: the embedded model's."""
    found: dict[str, Any] = strict_json.parse(asset("sample", "lengths.json").read_text(encoding="utf-8"))
    return str(found["tokenizer"])


def sample_data(model: ModelFacts) -> DataFacts:
    """The facts of the rows that come with the program."""
    return read_data(asset("sample", "questions.jsonl"), model, name="Sample questions")
