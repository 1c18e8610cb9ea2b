"""Plans and run specs as JSON and back. What is written reads back equal; what is damaged ends in a `Problem`.

A plan file may come from a stranger or from another version, so every field is checked against the types in
`planner.plan`, and options against the registry. Nothing is guessed and nothing unknown is dropped.
"""

from __future__ import annotations

import dataclasses
import math
import stat
from pathlib import Path
from typing import Any

from planner import plan as plan_types
from planner import strict_json
from planner.atomic_file import write_atomically
from planner.calibration.correction import Correction
from planner.facts.data import DataFacts
from planner.facts.machine import KINDS, MachineFacts
from planner.facts.mapping import fault_of as mapping_fault
from planner.facts.model.facts import ModelFacts
from planner.options import bounds_problems, from_mapping, to_mapping
from planner.plan import Choice, Plan, Stage
from planner.problem import ProblemError, fail
from planner.run import spec as spec_types
from planner.run.spec import RunSpec
from planner.schedule import Schedule
from planner.slots import Slot
from planner.strict_json import DamagedError
from planner.techniques import registry

PLAN_FIELDS = {"schema", "name", "model", "data", "machine", "stages"}
SPEC_FIELDS = {
    "schema",
    "job",
    "plan",
    "run_dir",
    "seed",
    "threads",
    "arguments",
    "predicted",
    "sample_prompt",
    "sample_tokens",
    "versions",
}
MOST_STAGES = 64


def plan_to_json(plan: Plan) -> dict[str, Any]:
    return {
        "schema": plan.schema,
        "name": plan.name,
        "model": strict_json.plain(plan.model),
        "data": strict_json.plain(plan.data),
        "machine": strict_json.plain(plan.machine),
        "stages": [_stage_to_json(stage) for stage in plan.stages],
    }


def _stage_to_json(stage: Stage) -> dict[str, Any]:
    return {
        "choices": {
            c.slot.value: {"technique": c.technique, "options": strict_json.plain(to_mapping(c.options))}
            for c in stage.choices
        },
        "schedule": to_mapping(stage.schedule),
    }


def plan_from_json(value: Any) -> Plan:
    """The plan a JSON object describes. Raises ProblemError: `plan.damaged`, `plan.newer_schema`, and the codes of
    `technique.unknown`, `option.unknown`, `option.wrong_type`, `option.out_of_bounds`."""
    try:
        return _plan(value, "plan")
    except DamagedError as damage:
        raise _damaged(damage) from None


def _plan(value: Any, where: str) -> Plan:
    _known_schema(value, where, plan_types.SCHEMA)
    found = strict_json.fields(value, where, PLAN_FIELDS)
    stages = strict_json.sequence(found["stages"], f"{where}.stages")
    if not 1 <= len(stages) <= MOST_STAGES:
        raise DamagedError(f"{where}.stages has {len(stages)} entries; it needs 1 to {MOST_STAGES}")
    return Plan(
        name=strict_json.typed(str, found["name"], f"{where}.name"),
        model=_facts(ModelFacts, found["model"], f"{where}.model"),
        data=_facts(DataFacts, found["data"], f"{where}.data"),
        machine=_facts(MachineFacts, found["machine"], f"{where}.machine"),
        stages=tuple(_stage(s, f"{where}.stages[{i}]") for i, s in enumerate(stages)),
        schema=found["schema"],
    )


def _facts(cls: type[Any], value: Any, where: str) -> Any:
    """Facts are sizes and counts: every whole number in them is at least 0, or formulas would give nonsense."""
    facts = strict_json.record(cls, value, where)
    _none_below_0(facts, where)
    if isinstance(facts, DataFacts):
        _lengths_agree(facts, where)
        if facts.mapping.form and (said := mapping_fault(facts.mapping)):
            raise DamagedError(f"{where}.mapping: {said}")
    if isinstance(facts, MachineFacts) and (strange := [d.kind for d in facts.devices if d.kind not in KINDS]):
        known = ", ".join(KINDS)
        raise DamagedError(f"{where}.devices has the kind {strict_json.shown(strange[0])}; known are {known}")
    return facts


def _none_below_0(facts: Any, where: str) -> None:
    for f in dataclasses.fields(facts):
        v = getattr(facts, f.name)
        if isinstance(v, tuple) and len(v) >= strict_json.MANY and strict_json.whole_numbers(v):
            v = min(v)
        for n in v if isinstance(v, tuple) else (v,):
            if type(n) is int and n < 0:
                raise DamagedError(f"{where}.{f.name} is below 0")
            if dataclasses.is_dataclass(n) and not isinstance(n, Correction):  # what a run taught may be less
                _none_below_0(n, f"{where}.{f.name}")


def _lengths_agree(data: DataFacts, where: str) -> None:
    for name, given in (("lengths", data.lengths), ("prompt_lengths", data.prompt_lengths)):
        if given and len(given) != data.rows:
            raise DamagedError(f"{where}.{name} has {len(given)} entries for {data.rows} rows")


def stage_from_json(value: Any, where: str = "stage") -> Stage:
    """One stage of a plan or of a preset. Raises ProblemError like `plan_from_json`."""
    try:
        return _stage(value, where)
    except DamagedError as damage:
        raise _damaged(damage) from None


def _stage(value: Any, where: str) -> Stage:
    found = strict_json.fields(value, where, {"choices", "schedule"})
    choices = strict_json.mapping(found["choices"], f"{where}.choices")
    return Stage(
        choices=tuple(_choice(slot, c, f"{where}.choices.{strict_json.shown(slot)}") for slot, c in choices.items()),
        schedule=_options(Schedule, found["schedule"], f"{where}.schedule"),
    )


def _choice(slot_name: str, value: Any, where: str) -> Choice:
    slot = strict_json.typed(Slot, slot_name, where)
    found = strict_json.fields(value, where, {"technique"}, {"options"})
    name = strict_json.typed(str, found["technique"], f"{where}.technique")
    known = registry.technique(slot, name)
    return Choice(slot, known.name, _options(known.Options, found.get("options", {}), f"{where}.options"))


def _options(cls: type[Any], value: Any, where: str) -> Any:
    """Options by `from_mapping`, but a file has to hold the very type: `"16"` is fine when typed, not when stored."""
    given = strict_json.mapping(value, where)
    for name, v in given.items():
        strict_json.free_value(v, f"{where}.{strict_json.shown(name)}")
    options = from_mapping(cls, given, where)
    read = to_mapping(options)
    for name, v in given.items():
        if not _same_value(read[name], v):
            raise DamagedError(f"{where}.{name} is {strict_json.shown(v)}, which is not of its type")
    if problems := bounds_problems(options, where):
        raise ProblemError(problems[0])
    return options


def _same_value(read: Any, given: Any) -> bool:
    if isinstance(read, (list, tuple)):
        return (
            isinstance(given, list)
            and len(read) == len(given)
            and all(_same_value(r, g) for r, g in zip(read, given, strict=True))
        )
    if type(read) is float and type(given) is int:
        return read == given
    return type(read) is type(given) and read == given


def spec_to_json(spec: RunSpec) -> dict[str, Any]:
    return {
        "schema": spec.schema,
        "job": spec.job,
        "plan": plan_to_json(spec.plan),
        "run_dir": spec.run_dir,
        "seed": spec.seed,
        "threads": spec.threads,
        "arguments": strict_json.plain(dict(spec.arguments)),
        "predicted": strict_json.plain(dict(spec.predicted)),
        "sample_prompt": spec.sample_prompt,
        "sample_tokens": spec.sample_tokens,
        "versions": dict(spec.versions),
    }


def spec_from_json(value: Any) -> RunSpec:
    """The RunSpec a JSON object describes; raises ProblemError with the same codes as `plan_from_json`."""
    try:
        _known_schema(value, "spec", spec_types.SCHEMA)
        found = strict_json.fields(value, "spec", SPEC_FIELDS)
        text = {k: strict_json.typed(str, found[k], f"spec.{k}") for k in ("job", "run_dir", "sample_prompt")}
        numbers = {k: strict_json.typed(int, found[k], f"spec.{k}") for k in ("seed", "threads", "sample_tokens")}
        versions = strict_json.mapping(found["versions"], "spec.versions")
        return RunSpec(
            plan=_plan(found["plan"], "spec.plan"),
            arguments=_pairs(found["arguments"], "spec.arguments"),
            predicted=_pairs(found["predicted"], "spec.predicted"),
            versions=tuple((k, strict_json.typed(str, v, f"spec.versions.{k}")) for k, v in versions.items()),
            schema=found["schema"],
            **text,
            **numbers,
        )
    except DamagedError as damage:
        raise _damaged(damage) from None


def _pairs(value: Any, where: str) -> tuple[tuple[str, Any], ...]:
    found = strict_json.mapping(value, where)
    return tuple((k, strict_json.free_value(v, f"{where}.{strict_json.shown(k)}")) for k, v in found.items())


def _known_schema(value: Any, where: str, newest: int) -> None:
    schema = strict_json.mapping(value, where).get("schema")
    if type(schema) is int and schema > newest:
        raise fail(
            "plan.newer_schema",
            f"{where} was written by a newer version (schema {strict_json.shown(schema)}, this one knows {newest}).",
            "Open it with that version, or update this program.",
        )
    if type(schema) is not int or schema < 1:
        raise DamagedError(f"{where}.schema is {strict_json.shown(schema)}")


def _damaged(damage: DamagedError) -> ProblemError:
    return fail(
        "plan.damaged",
        f"This is not a plan of this program: {damage}.",
        "Choose another file, or make the plan anew.",
    )


def dumps(value: Plan | RunSpec) -> str:
    """The text of a plan file or spec file."""
    return _bytes(value).decode()


def loads(text: str) -> Plan:
    """The plan in a text. Raises ProblemError, see `plan_from_json`."""
    return plan_from_json(_parsed(text))


def _bytes(value: Plan | RunSpec) -> bytes:
    return strict_json.render(spec_to_json(value) if isinstance(value, RunSpec) else plan_to_json(value))


def _parsed(text: str) -> Any:
    try:
        return strict_json.parse(text)
    except DamagedError as damage:
        raise _damaged(damage) from None


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan file, whole or not at all. Raises ProblemError `file.not_written`."""
    write_atomically(path, _bytes(plan))


def load_plan(path: Path) -> Plan:
    """Read a plan file. Raises ProblemError: `plan.not_found`, `plan.unreadable`, and those of `plan_from_json`."""
    return loads(_read(path))


def save_spec(spec: RunSpec, path: Path) -> None:
    """Write spec.json, whole or not at all. Raises ProblemError `file.not_written`."""
    write_atomically(path, _bytes(spec))


def load_spec(path: Path) -> RunSpec:
    """Read spec.json. Raises ProblemError like `load_plan`."""
    return spec_from_json(_parsed(_read(path)))


def _read(path: Path) -> str:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe or a device would never end
            raise ValueError("it is not a file")
        size = found.st_size
        if size > strict_json.LARGEST_FILE_BYTES:
            raise _damaged(DamagedError(f"it is {math.ceil(size / 1024**2)} MiB long"))
        return path.read_bytes().decode()
    except FileNotFoundError:
        raise fail(
            "plan.not_found", f"There is no file {str(path)!r}.", "Give the path of a plan file, or use a preset."
        ) from None
    except UnicodeDecodeError:
        raise _damaged(DamagedError("it is not text in UTF-8")) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise fail(
            "plan.unreadable", f"{str(path)!r} could not be read: {reason}.", "Check the path and its permissions."
        ) from None
