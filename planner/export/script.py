"""Writes `train.py`: one readable script of public libraries that gives the losses of the run it was exported from.

Every value is a literal, every argument carries its reason, every technique the bytes it costs. The script uses the
same trainer class as the run, because two different loops differ in the sixth digit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from planner.estimate import Estimate
from planner.export.evaluation import CALLBACK, CLASSES, MIXIN, evaluates, split
from planner.export.rows import ROWS, carries_rows
from planner.export.source import argument, comment, literal
from planner.facts.machine import Device
from planner.ledger import Line
from planner.plan import Plan
from planner.run.arguments import COLUMNS, RENAMED, computing_device, script_parts, table, why
from planner.run.spec import RunSpec
from planner.slots import QUESTIONS, Slot
from planner.techniques import registry
from planner.techniques.technique import ScriptPart
from planner.units import words

HEAD = '''\
"""Fine-tunes a language model. Give other paths with --model, --data and --output; everything else is written below.

The losses are those of the run this was exported from, to the last bit, on the same machine and with the versions
in requirements.txt. They are written to losses.jsonl, one line a step, also as exact hexadecimal numbers.
"""
'''
READ_ARGUMENTS = """\
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", default=MODEL, help="folder with config.json and .safetensors files")
parser.add_argument("--data", default=DATA, help="JSONL file, one row a line")
parser.add_argument("--output", default=OUTPUT, help="folder for the result, losses.jsonl and checkpoints")
given = parser.parse_args()
if not given.model or not given.data:
    parser.error("this plan was made without the files at hand: give --model and --data")
output = Path(given.output)
output.mkdir(parents=True, exist_ok=True)
"""
LOSS_LOG = '''\
class LossLog(TrainerCallback):
    """Writes the loss of every step, exactly."""

    def on_train_begin(self, args, state, control, **kwargs):
        self.file = open(output / "losses.jsonl", "w", encoding="utf-8")

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "loss" in logs:
            row = {"step": state.global_step, "loss": logs["loss"], "loss_hex": float(logs["loss"]).hex()}
            print(json.dumps(row), file=self.file, flush=True)

    def on_train_end(self, args, state, control, **kwargs):
        self.file.close()
'''
NOT_IN_SCRIPT = frozenset({"sample", "resume"})  # it writes no sample answer and starts from the beginning
LIBRARIES = (
    "import torch",
    "from datasets import Dataset",
    "from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback, set_seed",
    "from trl import SFTConfig, SFTTrainer",
)


class Chosen(NamedTuple):
    """One technique of the plan: its share of the script, the file it carries along, and what it costs."""

    slot: Slot
    part: ScriptPart
    twin: str
    costs: tuple[str, ...]

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(RENAMED.get(field, field) for field, _ in self.part.arguments)


def chosen(plan: Plan, estimate: Estimate) -> tuple[Chosen, ...]:
    """The plan's techniques in slot order."""
    parts = dict(script_parts(plan, plan.stage))
    return tuple(
        Chosen(c.slot, parts[c.slot], registry.technique(c.slot, c.technique).twin, _costs(c.slot, estimate))
        for c in plan.stage.choices
    )


def script(plan: Plan, spec: RunSpec, estimate: Estimate) -> str:
    """The text of train.py."""
    techniques = chosen(plan, estimate)
    sections = (
        _opening(plan, estimate),
        _environment(computing_device(plan)),
        _imports(techniques),
        _constants(plan, spec),
        _data(plan),
        _model(techniques),
        _arguments(spec, techniques),
        ("", *LOSS_LOG.splitlines(), ""),
        *((("", *CLASSES.splitlines(), ""),) if evaluates(plan.stage.schedule) else ()),
        _trainer(techniques, evaluates(plan.stage.schedule)),
        _end(),
    )
    return "\n".join("\n".join((*section, "")) for section in sections)


def _costs(slot: Slot, estimate: Estimate) -> tuple[str, ...]:
    """The ledger's sentences of one slot, largest first."""
    mine = sorted((x for x in estimate.lines if x.slot is slot and int(x.bytes)), key=lambda x: -int(x.bytes))
    return tuple(f"{words(int(x.bytes))} {x.what}: {x.why}{_not_here(x)}" for x in mine)


def _not_here(line: Line) -> str:
    """What a reader must know of bytes that the run needs and the script does not."""
    phases = {at.phase for at in line.alive}
    return f" Only in {' and '.join(sorted(phases))}, which this script leaves out." if phases <= NOT_IN_SCRIPT else ""


def _opening(plan: Plan, estimate: Estimate) -> Iterator[str]:
    yield from HEAD.splitlines()
    yield from comment(f"Plan: {plan.name}")
    yield from comment(f"Model: {plan.model.name}. Data: {plan.data.name}, {plan.data.rows:,} rows.")
    for tier in estimate.tiers:
        if tier.peak_at is not None:
            yield from comment(
                f"Needs {words(tier.peak_bytes)} of {tier.name} ({words(tier.low_bytes)} to "
                f"{words(tier.high_bytes)}), most in {tier.peak_at.phase} at {tier.peak_at.moment}."
            )


def _environment(device: Device) -> Iterator[str]:
    yield from ("import argparse", "import json", "import os", "import sys", "from pathlib import Path", "")
    yield from comment("Before torch is imported: nothing is looked up on the network, and one device computes.")
    yield 'os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"'
    if device.id.startswith("cuda:"):  # ROCm keeps the name
        yield 'os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")'
        yield f'os.environ.setdefault("CUDA_VISIBLE_DEVICES", {literal(device.id.partition(":")[2] or "0")})'


def _imports(techniques: tuple[Chosen, ...]) -> Iterator[str]:
    brought = {line for t in techniques for line in t.part.imports}
    yield from sorted(brought | set(LIBRARIES), key=lambda line: (line.startswith("from"), line))
    carried = [t for t in techniques if t.part.mixin]
    if carried:
        yield ""
        yield from comment("Files beside this one, for what no public library has.")
        yield "sys.path.insert(0, str(Path(__file__).resolve().parent))"
    for t in carried:
        yield f"from {t.twin} import {t.part.mixin}  # noqa: E402"


def _constants(plan: Plan, spec: RunSpec) -> Iterator[str]:
    yield f"MODEL = {literal(plan.model.path)}"
    if carries_rows(plan.data):
        yield from comment(f"The rows as they were trained on, made of {plan.data.name}.")
        yield f'DATA = str(Path(__file__).resolve().parent / "{ROWS}")'
    else:
        yield f"DATA = {literal(plan.data.path)}"
    yield 'OUTPUT = "result"'
    yield f"SEED = {literal(spec.seed)}"
    yield f"THREADS = {literal(spec.threads)}"
    yield from ("", *READ_ARGUMENTS.splitlines(), "")
    yield from comment("Sums depend on how many threads share them.")
    yield "torch.set_num_threads(THREADS)"


def _data(plan: Plan) -> Iterator[str]:
    kept = ", ".join(f"{literal(c)}: row[{literal(c)}]" for c in COLUMNS[plan.data.form])
    yield 'with open(given.data, "rb") as file:'
    yield "    rows = [json.loads(line) for line in file if line.strip()]"
    if evaluates(plan.stage.schedule):
        yield f"rows = [{{{kept}}} for row in rows]"
        yield from split(plan.stage.schedule)
        return
    yield f"train_dataset = Dataset.from_list([{{{kept}}} for row in rows])"


def _model(techniques: tuple[Chosen, ...]) -> Iterator[str]:
    yield "tokenizer = AutoTokenizer.from_pretrained(given.model)"
    loaded = [t for t in techniques if t.part.load]
    for t in loaded:
        yield from _about(t)
    yield from ("model = AutoModelForCausalLM.from_pretrained(", "    given.model,", "    use_safetensors=True,")
    for t in loaded:
        yield from (f"    {keyword}={source}," for keyword, source in t.part.load)
    yield ")"
    yield from comment("An adapter draws its first numbers from here on.")
    yield "set_seed(SEED)"
    for t in techniques:
        if t.part.wrap:
            yield from () if t.part.load else _about(t)
            yield from t.part.wrap


def _about(t: Chosen, indent: str = "") -> Iterator[str]:
    yield from comment(f"{QUESTIONS[t.slot]}." if not t.costs else f"{QUESTIONS[t.slot]}:", indent)
    for sentence in t.costs:
        yield from comment(f"- {sentence}", indent)


def _arguments(spec: RunSpec, techniques: tuple[Chosen, ...]) -> Iterator[str]:
    in_plan = {row["field"] for row in table()["written_out"] if row.get("from") == "plan"}
    said: set[str] = set()
    yield from ("arguments = SFTConfig(", "    output_dir=str(output),")
    for t in techniques:
        if t.fields:
            yield from _about(t, "    ")
            for field, value in spec.arguments:
                if field in t.fields - said:
                    yield from argument(field, value, why(field))
            said |= t.fields
    yield from comment("What the plan chose:", "    ")
    for field, value in spec.arguments:
        if field in in_plan - said:
            yield from argument(field, value, why(field))
    yield from comment("Defaults of the libraries that move bytes or losses, written out:", "    ")
    for field, value in spec.arguments:
        if field not in in_plan | said:
            yield from argument(field, value, why(field))
    yield ")"


def _trainer(techniques: tuple[Chosen, ...], evaluated: bool) -> Iterator[str]:
    mixins = [t for t in techniques if t.part.mixin]
    trainer = "SFTTrainer"
    if mixins or evaluated:
        trainer = "Trainer"
        for t in mixins:
            yield from _about(t)
        before = (*((MIXIN,) if evaluated else ()), *(t.part.mixin for t in mixins))
        yield f"class Trainer({', '.join(before)}, SFTTrainer):"
        parts = "parts of the files beside this one" if mixins else "part above"
        yield f'    """TRL\'s trainer with the {parts}."""'
        yield from ("", "")
    yield f"trainer = {trainer}("
    yield from ("    model=model,", "    args=arguments,", "    train_dataset=train_dataset,")
    if evaluated:
        yield "    eval_dataset=eval_dataset,"
    callbacks = ", ".join(("LossLog()", *((CALLBACK,) if evaluated else ())))
    yield from ("    processing_class=tokenizer,", f"    callbacks=[{callbacks}],")
    for t in techniques:
        if t.part.trainer:
            yield from _about(t, "    ")
            yield from (f"    {keyword}={source}," for keyword, source in t.part.trainer)
    yield ")"
    for t in techniques:  # what stands nowhere in the script because it is how the libraries work
        part = t.part
        if t.costs and not (part.load or part.wrap or part.arguments or part.trainer or part.mixin):
            yield from _about(t)


def _end() -> Iterator[str]:
    yield "trainer.train()"
    yield from comment("save_pretrained and not save_model, which would add training_args.bin, a pickle.")
    yield "trainer.model.save_pretrained(output)"
    yield "tokenizer.save_pretrained(output)"
