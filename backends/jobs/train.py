"""The training job: from a RunSpec to a result in RUNDIR, through TRL's SFTTrainer and nothing beside it.

It knows no technique by name: each one's torch half is called in slot order, and may give keyword arguments for
loading, wrap the model, bring a trainer mixin or an optimizer.
"""

from __future__ import annotations

import hashlib
import importlib
import shutil
import signal
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, set_seed
from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]

from backends import checkpoint
from backends.control import Control
from backends.failure import disk_full, first_line, is_disk_full
from backends.meter import Meter
from backends.report import Report
from backends.sample import answer
from backends.trainers.journaled import Journaled
from planner.estimate import device_of
from planner.facts.model.folder import read_folder
from planner.facts.order import total_steps
from planner.facts.read_data import rows
from planner.facts.rows import MESSAGES
from planner.plan import Plan
from planner.problem import ProblemError, fail
from planner.run import events, layout
from planner.run.spec import RunSpec
from planner.techniques.registry import technique
from planner.units import words

Twins = list[tuple[ModuleType, Any]]


def run(spec: RunSpec, report: Report, meter: Meter) -> events.Finished:
    """Train, or go on training from the last checkpoint. Raises; the worker makes a Problem of it."""
    torch.set_num_threads(spec.threads)
    run_dir, plan, arguments = report.run_dir, spec.plan, dict(spec.arguments)
    resume_from = checkpoint.latest(run_dir)
    resumed = checkpoint.manifest(resume_from) if resume_from else {"step": -1, "tokens": 0}
    device = device_of(plan)
    report.started(
        resumed_from=resumed["step"],
        total_steps=total_steps(plan.data.rows, plan.stage.schedule),
        libraries=[name for name, _ in spec.versions],
        device=device.id if device else "",
    )
    meter.start()

    report.phase("load", plan.model.name)
    twins = _twins(plan)
    model, tokenizer = _load(plan, twins)
    set_seed(spec.seed)
    for twin, options in twins:
        if hasattr(twin, "wrap"):
            model = twin.wrap(model, options)

    report.phase("data", plan.data.name)
    trainer = _trainer(model, tokenizer, _dataset(plan, report), arguments, twins, run_dir)
    if trainer.args.device.type == "cuda":
        meter.watch_cuda(trainer.args.device)

    def sample(when: str, prompt: str = "") -> None:
        say = prompt or spec.sample_prompt
        if not say:
            return
        meter.mark("sample")
        text = answer(trainer.model, tokenizer, say, spec.sample_tokens)
        report.write(events.Sample(time.time(), when, report.step, say, text))
        meter.mark("")

    control = Control(report, lambda: meter.process.last, lambda say: sample("asked", say))
    trainer.attach(report, meter, control)
    trainer.told.tokens = trainer._total_train_tokens = resumed["tokens"]
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: control.ask_to_release())  # a shutdown keeps what was learned

    if resume_from is None:
        report.phase("sample")
        sample("before")
    report.phase("train")
    trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)

    if control.ending == "released":
        return _ending(spec, report, meter, "released", None)
    report.phase("sample")
    sample("after")
    report.phase("save", "result")
    meter.mark("save")
    for twin, options in twins:
        if hasattr(twin, "before_save"):
            twin.before_save(trainer.model, options)
    result = _save_result(trainer.model, tokenizer, run_dir)
    return _ending(spec, report, meter, control.ending or "done", result)


def _twins(plan: Plan) -> Twins:
    """(torch half, options) of each choice that has one, in slot order."""
    if len(plan.stages) != 1:
        raise fail("plan.many_stages", "This version trains plans of one stage.", "Split the plan into several runs.")
    found = [(technique(c.slot, c.technique).twin, c.options) for c in plan.stage.choices]
    return [(importlib.import_module(f"backends.techniques.{name}"), options) for name, options in found if name]


def _load(plan: Plan, twins: Twins) -> tuple[Any, Any]:
    """Model and tokenizer from a local folder: safetensors only, no code from the folder, nothing from the network."""
    path = plan.model.path
    read_folder(path)  # says what is wrong with a folder in words a person can act on
    load: dict[str, Any] = {}
    for twin, options in twins:
        if hasattr(twin, "load_kwargs"):
            load |= twin.load_kwargs(options)
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            path, local_files_only=True, use_safetensors=True, trust_remote_code=False, **load
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise fail(
            "model.not_loadable",
            f"The model in {path!r} cannot be loaded: {first_line(error)}",
            "Choose a folder with config.json, .safetensors files and a tokenizer.",
        ) from error
    return model, tokenizer


def _dataset(plan: Plan, report: Report) -> Dataset:
    """The rows of the plan's file in memory; only the columns that are trained on."""
    columns = ("messages",) if plan.data.form == MESSAGES else ("prompt", "completion")
    found = [{c: row[c] for c in columns if c in row} for row in rows(plan.data.path)]
    if len(found) != plan.data.rows or any(len(row) != len(columns) for row in found):
        raise fail(
            "data.changed",
            f"{plan.data.name} had {plan.data.rows:,} rows when the run was planned, now it has {len(found):,}"
            f" or rows of another form.",
            "Open the plan again, so that it is planned with the file as it is now.",
        )
    if Path(plan.data.path).stat().st_size != plan.data.size_bytes:
        report.note("The data file has changed since the run was planned.", "warning")
    return Dataset.from_list(found)


def _trainer(model: Any, tokenizer: Any, data: Dataset, arguments: dict[str, Any], twins: Twins, run_dir: Path) -> Any:
    mixins = [twin.trainer_mixin(o) for twin, o in twins if hasattr(twin, "trainer_mixin")]
    optimizers = [twin.optimizer(o) for twin, o in twins if hasattr(twin, "optimizer")]
    assert len(optimizers) <= 1, "one slot brings the optimizer"
    trainer_class = type("JournaledTrainer", (Journaled, *mixins, SFTTrainer), {})
    trainer = trainer_class(
        model=model,
        args=SFTConfig(output_dir=str(run_dir / layout.CHECKPOINTS), disable_tqdm=True, **arguments),
        train_dataset=data,
        processing_class=tokenizer,
        optimizer_cls_and_kwargs=_with_rate(optimizers[0], arguments) if optimizers else None,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _with_rate(optimizer: tuple[type, dict[str, Any]], arguments: dict[str, Any]) -> tuple[type, dict[str, Any]]:
    """The schedule's learning rate, which no optimizer half knows; weight decay comes with the parameter groups."""
    kind, keywords = optimizer
    return kind, {"lr": arguments["learning_rate"], **keywords}


def _save_result(model: Any, tokenizer: Any, run_dir: Path) -> Path:
    """The result whole or not at all. A whole model takes its tokenizer along, an adapter stays in PEFT's own form."""
    target, aside = run_dir / layout.RESULT, run_dir / f".{layout.RESULT}.partial"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        checkpoint.save_model(model, aside)
        if not hasattr(model, "peft_config"):
            tokenizer.save_pretrained(str(aside))
        checkpoint.sync_folder(aside)
        shutil.rmtree(target, ignore_errors=True)
        aside.rename(target)
    except Exception as error:
        shutil.rmtree(aside, ignore_errors=True)
        if is_disk_full(error):
            raise ProblemError(disk_full(str(run_dir), "The result could not be written.")) from error
        raise
    return target


def sha256_of_weights(folder: Path) -> str:
    """One sum over the safetensors files of a saved model, in order of name."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _ending(spec: RunSpec, report: Report, meter: Meter, outcome: str, result: Path | None) -> events.Finished:
    meter.stop()
    track, predicted = meter.main, dict(spec.predicted).get("peak_bytes")
    at = " ".join(filter(None, [f"step {track.peak_step}" if track.peak_step > 0 else "", track.peak_moment]))
    took = f"It took {words(track.peak)}."
    return report.ending(
        str(result or ""),
        sha256_of_weights(result) if result else "",
        f"We said {words(predicted)}. {took}" if isinstance(predicted, int) else took,
        outcome=outcome,
        measured={"source": track.source, "peak_bytes": track.peak, "predicted_bytes": predicted, "at": at},
    )
