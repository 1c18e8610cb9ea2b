"""The fine-tune: from a RunSpec to a result in RUNDIR, through TRL's SFTTrainer and nothing beside it.

It knows no technique by name: what each brings comes of `backends.trainers.twins`.
"""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, set_seed
from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]

from backends import checkpoint, states
from backends.control import Control
from backends.energy import Energy
from backends.failure import first_line, is_out_of_memory
from backends.meter import Meter
from backends.report import Report
from backends.sample import answer
from backends.trainers.journaled import OWED, Journaled
from backends.trainers.twins import Twins, load_arguments, mixins, optimizer, twins_of, wrapped
from planner.drafting import device_of
from planner.facts.split import held_out
from planner.plan import Plan
from planner.problem import fail
from planner.run import events, layout
from planner.run.said import said_of
from planner.run.spec import RunSpec
from planner.units import words

JOULES_A_WATT_HOUR = 3600
BETWEEN_STEPS = {"evaluate": ", in an evaluation", "sample": ", while a sample answer was written"}
"""Where a peak was that one would look for in a step."""


def fine_tune(
    spec: RunSpec, rows: list[dict[str, Any]], resume_from: Path | None, report: Report, meter: Meter
) -> events.Finished:
    """Train to the end, or until a person stops or releases the run. Empties `rows` when they are taken over."""
    schedule = spec.plan.stage.schedule
    evaluated = taken_out(rows, held_out(len(rows), schedule))
    trainer, tokenizer = prepared(spec, rows, dict(spec.arguments), report, meter, evaluated=evaluated)

    def sample(when: str, prompt: str) -> None:
        if prompt:
            meter.mark("sample")
            try:
                text = answer(trainer.model, tokenizer, prompt, spec.sample_tokens)
            except Exception as error:  # a template, a question too long: an answer less, never a run less
                traceback.print_exc()
                report.note(f"The model gave no sample answer: {first_line(error)}", "warning")
            else:
                report.write(events.Sample(time.time(), when, report.step, prompt, text))
            meter.mark("")

    control = Control(report, lambda: meter.process.last, lambda say: sample("asked", say or spec.sample_prompt))

    def during(step: int, last: int) -> None:
        if schedule.sample_steps and step % schedule.sample_steps == 0 and step < last:
            phase = report.phase_name
            report.phase("sample")
            sample("during", spec.sample_prompt)
            report.phase(phase)

    trainer.attach(report, meter, control, during)
    if resume_from:
        facts = checkpoint.manifest(resume_from)
        trainer.told.tokens = trainer._total_train_tokens = facts["tokens"]
        trainer.told.owed = bool(facts.get(OWED))
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: control.ask_to_release())  # a shutdown keeps what was learned
    if not resume_from:
        report.phase("sample")
        sample("before", spec.sample_prompt)
    report.phase("train")
    device = device_of(spec.plan)
    energy = Energy(device.id if device else "cpu")
    if resume_from and checkpoint.manifest(resume_from)["step"] >= checkpoint.manifest(resume_from)["total_steps"]:
        trainer._load_from_checkpoint(
            str(resume_from)
        )  # only the result is missing; train() would make a step too many
    else:
        trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    used = energy.used()
    if control.ending == "released":
        return _ending(spec, report, meter, "released", None, used)
    report.phase("sample")
    sample("after", spec.sample_prompt)
    report.phase("save", "result")
    meter.mark("save")
    result = _save_result(trainer.model, tokenizer, report.run_dir)
    return _ending(spec, report, meter, control.ending or "done", result, used)


def prepared(
    spec: RunSpec,
    rows: list[dict[str, Any]],
    arguments: dict[str, Any],
    report: Report,
    meter: Meter,
    coat: type[Any] = Journaled,
    evaluated: list[dict[str, Any]] | None = None,
) -> tuple[Any, Any]:
    """The trainer with everything loaded, and its tokenizer; any job that trains begins here. Empties `rows`.

    arguments: the spec's, or what a job makes of them. coat: goes over the techniques' mixins and SFTTrainer. evaluated:
    rows that are held out; emptied likewise.
    """
    torch.set_num_threads(spec.threads)
    plan, twins = spec.plan, twins_of(spec.plan)
    report.phase("load", plan.model.name)
    model, tokenizer = loaded(plan, twins)
    set_seed(spec.seed)
    model = wrapped(model, twins)
    report.phase("data", plan.data.name)
    data, held = columns_of(rows), columns_of(evaluated) if evaluated else None
    for given in (rows, evaluated or []):
        given.clear()
    trainer = _trainer(model, tokenizer, data, held, arguments, twins, report.run_dir, coat)
    if trainer.args.device.type == "cuda":
        meter.watch_cuda(trainer.args.device)
    return trainer, tokenizer


def taken_out(rows: list[dict[str, Any]], numbers: Sequence[int]) -> list[dict[str, Any]]:
    """The rows of these numbers; they are gone from `rows`."""
    out = frozenset(numbers)
    found = [rows[i] for i in numbers]
    if out:
        rows[:] = [row for i, row in enumerate(rows) if i not in out]
    return found


def columns_of(rows: list[dict[str, Any]]) -> Dataset:
    """The rows as datasets stores them. A field that is a text in one row and a number in another has no column."""
    try:
        return Dataset.from_list(rows)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise fail(
            "data.mixed_types",
            f"A field of the rows has one type here and another there: {first_line(error)}",
            "Give the field one type in all rows, or leave it out: role and content are all that a message needs.",
        ) from error


def loaded(plan: Plan, twins: Twins) -> tuple[Any, Any]:
    """Model and tokenizer from a local folder: safetensors only, no code from the folder, nothing from the network."""
    path = plan.model.path
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            path, local_files_only=True, use_safetensors=True, trust_remote_code=False, **load_arguments(twins)
        )
    except Exception as error:  # a library may raise anything over a stranger's files
        if is_out_of_memory(error):
            raise
        raise fail(
            "model.not_loadable",
            f"The model in {path!r} cannot be loaded: {first_line(error)}",
            "Choose a folder with config.json, .safetensors files and a tokenizer.",
        ) from error
    return model, tokenizer


def _trainer(
    model: Any,
    tokenizer: Any,
    data: Dataset,
    evaluated: Dataset | None,
    arguments: dict[str, Any],
    twins: Twins,
    run_dir: Path,
    coat: type[Any],
) -> Any:
    trainer_class = type("JournaledTrainer", (coat, *mixins(twins), SFTTrainer), {})
    trainer = trainer_class(
        model=model,
        args=SFTConfig(output_dir=str(run_dir / layout.CHECKPOINTS), disable_tqdm=True, **arguments),
        train_dataset=data,
        eval_dataset=evaluated,
        processing_class=tokenizer,
        optimizer_cls_and_kwargs=optimizer(twins, arguments["learning_rate"]),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _save_result(model: Any, tokenizer: Any, run_dir: Path) -> Path:
    """The result whole or not at all. A whole model takes its tokenizer along, an adapter stays in PEFT's own form."""

    def fill(folder: Path) -> None:
        states.save_model(model, folder)
        if not hasattr(model, "peft_config"):
            tokenizer.save_pretrained(str(folder))

    target = run_dir / layout.RESULT
    checkpoint.write_whole(target, fill, if_full="The result could not be written.")
    return target


def _ending(
    spec: RunSpec, report: Report, meter: Meter, outcome: str, result: Path | None, used: dict[str, Any]
) -> events.Finished:
    """used: energy of the steps, where a sensor was."""
    meter.stop()
    track = meter.main
    predicted = said_of(dict(spec.predicted), track.source).expected or None
    at = " ".join(filter(None, [f"step {track.peak_step}" if track.peak_step > 0 else "", track.peak_moment]))
    took = f"It took {words(track.peak)}{BETWEEN_STEPS.get(track.peak_moment, '')}."
    if used:
        took += f" Its steps used {used['joules'] / JOULES_A_WATT_HOUR:.1f} Wh, by {used['sensor']}."
    return report.ending(
        str(result or ""),
        checkpoint.sha256_of_weights(result) if result else "",
        f"We said {words(predicted)}. {took}" if predicted else took,
        outcome=outcome,
        measured={"source": track.source, "peak_bytes": track.peak, "predicted_bytes": predicted, "at": at, **used},
    )
