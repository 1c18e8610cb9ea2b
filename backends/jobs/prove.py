"""The proof: two real optimizer steps on the batch that needs most and one evaluation batch, then everything is freed.

The evaluation batch is the longest that the run will evaluate, and then a part of what is proved; where nothing is held
out it is the steps' own batch once more, which no run has. It goes through the same code as a run, so what is measured is what the run will take. It keeps no checkpoint and no
result, only RUNDIR/proof.json. Stopped before its end it proves nothing and writes nothing.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
import time
from dataclasses import replace
from typing import Any

from backends.control import Control
from backends.few_steps import MICRO_BATCHES, STEPS, StoppedError
from backends.jobs.train import check_model, rows_of_file
from backends.meter import Meter
from backends.report import Report
from planner.estimate import device_of, estimate, heaviest_batch, heaviest_evaluation
from planner.facts.data import evaluated_rows, rows_of
from planner.problem import ProblemError
from planner.run import events, layout
from planner.run.results import PROOF, Proof, save
from planner.run.said import said_of
from planner.run.spec import RunSpec
from planner.timeline import EVALUATE
from planner.units import words


def run(spec: RunSpec, report: Report, meter: Meter) -> events.Finished:
    """Raises ProblemError like the training job, and whatever training raises; the worker makes a Problem of it."""
    began = time.monotonic()
    plan, device = spec.plan, device_of(spec.plan)
    report.started(total_steps=STEPS, libraries=[name for name, _ in spec.versions], device=device.id if device else "")
    meter.start()
    if problems := estimate(plan).problems:
        raise ProblemError(problems[0])
    report.phase("check", plan.model.name)
    check_model(plan, report)
    rows = rows_of_file(plan, report)
    schedule, longest = plan.stage.schedule, heaviest_evaluation(plan)
    batch = [rows[i] for i in rows_of(plan.data, schedule, heaviest_batch(plan))]
    evaluated = [rows[i] for i in evaluated_rows(plan.data, schedule, longest)] if longest else []
    del rows
    report.phase("load", "libraries")
    import backends.trainers.fine_tune  # noqa: F401 - only now: it takes seconds, and a broken row is told at once

    meter.tell()
    before = meter.process.last
    try:
        proof = _steps(spec, batch, evaluated, report, meter)
    finally:
        with contextlib.suppress(OSError):  # the trainer makes a folder for checkpoints, which stays empty here
            (report.run_dir / layout.CHECKPOINTS).rmdir()
    report.phase("free")
    after = _freed(meter)
    if proof is None:
        return report.ending("", "", "The proof was stopped; nothing is proved.", outcome="stopped")
    seconds = round(time.monotonic() - began, 3)
    proof = replace(proof, before_bytes=before, after_bytes=after, seconds=seconds)
    save(proof, report.run_dir / PROOF)
    return _ending(spec, report, proof)


def _steps(
    spec: RunSpec, batch: list[dict[str, Any]], evaluated: list[dict[str, Any]], report: Report, meter: Meter
) -> Proof | None:
    """Two steps and an evaluation; None when somebody stopped it. Everything loaded belongs to this call."""
    from backends.trainers.evaluating import CutShortError
    from backends.trainers.fine_tune import prepared
    from backends.trainers.unsaved import Unsaved

    passes = min(MICRO_BATCHES, spec.plan.stage.schedule.grad_accumulation)
    arguments = _arguments(spec, len(batch), passes) | {"per_device_eval_batch_size": max(1, len(evaluated))}
    twice = evaluated * 2  # the next batch is fetched while one is computed
    trainer, _ = prepared(spec, batch * (passes * STEPS), arguments, report, meter, Unsaved, twice)
    control = Control(report, lambda: meter.process.last, lambda _say: report.note("A proof answers no questions."))
    trainer.attach(report, meter, control)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: control.ask_to_release())
    meter.look_closely()
    report.phase("train", f"{STEPS} steps of {len(batch)} rows")
    try:
        trainer.train()
    except StoppedError:
        return None
    proof, seconds = _measured(spec, meter, trainer), trainer.told.step_s
    report.phase("evaluate")
    try:
        took = _evaluate(trainer, meter)
    except (CutShortError, StoppedError):
        return None
    if evaluated:  # what the run will do belongs to its peak
        proof = _measured(spec, meter, trainer)
    proof = replace(proof, evaluation_bytes=took, step_seconds=round(seconds, 3))
    trainer.accelerator.free_memory()
    return proof


def _arguments(spec: RunSpec, rows: int, passes: int) -> dict[str, Any]:
    """The run's own, but for which rows come, how often, and that nothing is kept."""
    return dict(spec.arguments) | {
        "per_device_train_batch_size": rows,
        "gradient_accumulation_steps": passes,
        "max_steps": STEPS,
        "train_sampling_strategy": "sequential",
        "save_strategy": "no",
        "eval_strategy": "no",
    }


def _measured(spec: RunSpec, meter: Meter, trainer: Any) -> Proof:
    """The highest figures so far: of loading and the two steps, or of an evaluation after them as well."""
    meter.mark("")
    main, card = meter.main, {track.source: track.peak for track in meter.card}
    where = [f"step {main.peak_step}" if main.peak_step > 0 else "load", main.peak_moment]
    rows, seq = trainer.batch_shape
    device = device_of(spec.plan)
    return Proof(
        device=device.name if device else "",
        source=main.source,
        peak_bytes=main.peak,
        phase=", ".join(filter(None, where)),
        process_bytes=card.get("process", 0) if card else meter.process.peak,
        allocated_bytes=card.get("allocated", 0),
        reserved_bytes=card.get("reserved", 0),
        host_bytes=meter.process.peak,
        before_bytes=0,
        after_bytes=0,
        evaluation_bytes=0,
        rows=rows,
        seq=seq,
        step_seconds=round(trainer.told.step_s, 3),
        seconds=0.0,
    )


def _evaluate(trainer: Any, meter: Meter) -> int:
    """Rows forward without gradients, as the library's own evaluation does; the highest figure."""
    loader = trainer.get_eval_dataloader() if trainer.eval_dataset is not None else trainer.get_train_dataloader()
    trainer.model.eval()
    meter.begin_stretch("evaluate")
    for inputs in loader:
        trainer.prediction_step(trainer.model, inputs, prediction_loss_only=True)
        if trainer.eval_dataset is None:
            break
    return meter.end_stretch()


def _freed(meter: Meter) -> int:
    """What is held when everything is given back, by the counter that decides."""
    gc.collect()
    if meter.card:
        import torch

        torch.cuda.empty_cache()
    meter.mark("")
    return meter.main.last


def _ending(spec: RunSpec, report: Report, proof: Proof) -> events.Finished:
    said = said_of(dict(spec.predicted), proof.source).expected or None
    took = f"It took {words(proof.peak_bytes)}."
    sentence = f"We said {words(said)}. {took}" if said else took
    planned = _said_of_evaluation(spec)
    if said and planned:
        sentence += f" Of an evaluation we said {words(planned)}; it took {words(proof.evaluation_bytes)}."
    measured = {"source": proof.source, "peak_bytes": proof.peak_bytes, "predicted_bytes": said, "at": proof.phase}
    return report.ending(str(report.run_dir / PROOF), "", sentence, measured=measured)


def _said_of_evaluation(spec: RunSpec) -> int:
    """What was predicted of the fullest instant of an evaluation, with all that stands beside live tensors; 0 without."""
    predicted = dict(spec.predicted)
    live = [m["live_bytes"] for m in predicted.get("moments", ()) if m["phase"] == EVALUATE]
    return max(live) + int(predicted["peak_bytes"]) - int(predicted["live_bytes"]) if live else 0
