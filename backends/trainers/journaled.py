"""The trainer's thin coat: the same training, told step by step, interruptible, with checkpoints of our own.

It goes before TRL's SFTTrainer (and before a technique's mixin) in the order of classes and changes no number: losses
are those of a plain script with the same arguments, to the last bit.

The loss of a step is what transformers 5.23 logs as "loss" with logging_steps=1 and logging_nan_inf_filter=False: the
float32 sum over the step's micro-batches of their losses, each already divided by the label tokens of the whole step,
read as a Python float, not rounded. A plain script gets the same number with

    class LossLog(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):
            if "loss" in logs:
                print(state.global_step, logs["loss"].hex())
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from backends import checkpoint, states
from backends.control import Control
from backends.failure import disk_full
from backends.meter import Meter
from backends.report import Report
from backends.trainers.evaluating import Evaluating
from planner.problem import ProblemError
from planner.run import events
from planner.units import words

TRAINER_STATE = "trainer_state.json"
OWED = "evaluation_owed"


class Journaled(Evaluating):
    """Mixin before SFTTrainer. `attach` must be called before `train`."""

    def attach(
        self, report: Report, meter: Meter, control: Control, after_step: Callable[[int, int], None] | None = None
    ) -> None:
        """after_step: is called with each step that is told and the last one of the run, before what else follows it."""
        self.report, self.meter, self._tokens = report, meter, []
        self.told = TellSteps(self, report, meter, control, after_step)
        self.add_callback(self.told)  # type: ignore[attr-defined]

    # --- one micro-step ---

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        self.told.control.between_micro_steps()
        self.told.count(inputs)
        self.meter.mark("forward", self.state.global_step + 1)  # type: ignore[attr-defined]
        loss = super().training_step(model, inputs, num_items_in_batch)  # type: ignore[misc]
        self.meter.mark("backward_end")
        if not torch.isfinite(loss):
            self.told.not_finite()
        return loss

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        result = super().compute_loss(*args, **kwargs)  # type: ignore[misc]
        self.meter.mark("backward")
        return result

    # --- checkpoints ---

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Replaces transformers' writing: no model card, no pickle, atomic.

        A full disk ends the run, because going on would compute what nobody can keep; where a person asked for this
        checkpoint it is only said, and the run goes on or stops as it was asked to.
        """
        self.store_flos()  # type: ignore[attr-defined]
        control, phase = self.told.control, self.report.phase_name
        asked, control.wants_checkpoint = bool(control.wants_checkpoint or control.ending), False
        try:
            self._write_checkpoint()
        except ProblemError as error:
            if not asked or error.problem.code != "disk.full":
                raise
            self.report.note(f"No checkpoint was made. {error.problem.fact}", "warning")
            if control.ending == "released":  # without a checkpoint nothing could be resumed
                control.ending = ""
                self.control.should_training_stop = False  # type: ignore[attr-defined]
        self.report.phase(phase)

    def _write_checkpoint(self) -> None:
        run_dir, step = self.report.run_dir, self.state.global_step  # type: ignore[attr-defined]
        self.report.phase("save", f"checkpoint at step {step}")
        began = time.monotonic()
        self._make_room(run_dir)
        facts = {"tokens": self.told.tokens, "total_steps": self.state.max_steps, OWED: self.told.owed}  # type: ignore[attr-defined]
        folder, size = checkpoint.write(run_dir, step, self._fill, facts)
        self.report.write(events.Checkpoint(time.time(), step, str(folder), size, round(time.monotonic() - began, 3)))
        self.report.sync()

    def _make_room(self, run_dir: Path) -> None:
        """Look before leaping: a checkpoint that cannot fit is not begun, and the older of two gives way first."""
        need = states.training_bytes(self.model, self.optimizer) + checkpoint.ROOM_BYTES  # type: ignore[attr-defined]
        if checkpoint.free_bytes(run_dir) < need:
            checkpoint.prune(run_dir, 1)
        free, last = checkpoint.free_bytes(run_dir), checkpoint.latest(run_dir)
        if free < need:
            whole = f" The checkpoint of step {checkpoint.manifest(last)['step']} is whole." if last else ""
            figures = f"A checkpoint needs {words(need)}, {words(free)} are free.{whole}"
            raise ProblemError(disk_full(str(run_dir), figures))

    def _fill(self, folder: Path) -> None:
        self._save(str(folder))
        self._save_optimizer_and_scheduler(str(folder))
        self._save_scaler(str(folder))
        self._save_rng_state(str(folder))
        self.state.save_to_json(str(folder / TRAINER_STATE))  # type: ignore[attr-defined]

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        states.save_model(self.model, Path(output_dir or self.args.output_dir))  # type: ignore[attr-defined]

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        states.save_optimizer(self.optimizer, Path(output_dir))  # type: ignore[attr-defined]
        states.save_scheduler(self.lr_scheduler, Path(output_dir))  # type: ignore[attr-defined]

    def _load_from_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """As transformers does, but PEFT makes an adapter float32 when it loads one: it gets the run's own type back."""
        stored = {name: p.dtype for name, p in self.model.named_parameters()}  # type: ignore[attr-defined]
        super()._load_from_checkpoint(*args, **kwargs)  # type: ignore[misc]
        for name, parameter in self.model.named_parameters():  # type: ignore[attr-defined]
            if parameter.dtype != stored[name]:
                parameter.data = parameter.data.to(stored[name])

    def _load_optimizer_and_scheduler(self, folder: str | None) -> None:
        if folder is not None:
            states.load_optimizer(self.optimizer, Path(folder))  # type: ignore[attr-defined]
            states.load_scheduler(self.lr_scheduler, Path(folder))  # type: ignore[attr-defined]

    def _save_scaler(self, output_dir: str) -> None:
        """A gradient scaler exists only for float16, which no technique here uses."""
        assert getattr(self.accelerator, "scaler", None) is None, "a scaler's state would be lost"  # type: ignore[attr-defined]

    def _load_scaler(self, folder: str | None) -> None:
        """See `_save_scaler`."""

    def _save_rng_state(self, output_dir: str) -> None:
        states.save_rng(Path(output_dir))

    def _load_rng_state(self, folder: str | None) -> None:
        if folder is not None:
            states.load_rng(Path(folder))


class TellSteps(TrainerCallback):
    """Writes a `Step` for each optimizer step and hands the person's wishes to the trainer at its end."""

    def __init__(
        self,
        trainer: Any,
        report: Report,
        meter: Meter,
        control: Control,
        after_step: Callable[[int, int], None] | None = None,
    ) -> None:
        self.control = control
        self.owed = False  # the evaluation after the last step, which an ending cut short
        self.tokens = 0  # all steps, across resumes; TRL's own counter starts again at each
        self.step_s = 0.0  # of the last step, without pauses
        self._trainer = trainer
        self._report = report
        self._meter = meter
        self._step_tokens: list[torch.Tensor] = []
        self._step_seq = 0
        self._began = 0.0
        self._idle_before = 0.0
        self._told_not_finite = False
        self._after_step = after_step

    def count(self, inputs: dict[str, Any]) -> None:
        """Before a micro-step: real tokens from the mask; kept as tensors, so that no device has to be waited for."""
        self._step_tokens.append(inputs["attention_mask"].sum())
        self._step_seq = max(self._step_seq, int(inputs["input_ids"].shape[1]))

    def not_finite(self) -> None:
        if not self._told_not_finite:
            self._told_not_finite = True
            text = f"The loss of step {self._report.step + 1} is not a finite number: the training has diverged. "
            self._report.note(text + "A smaller learning rate is the usual cure.", "warning")

    def cut_short(self) -> None:
        """The evaluation after this step was not waited for. After the last step the run is over all the same."""
        over = self._trainer.state.global_step >= self._trainer.state.max_steps
        if over:
            self.control.ending = ""
            self._report.note("The last evaluation was cut short.")
        self.owed = not over

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.owed:
            self.owed = False
            self._trainer.evaluate_owed()

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._began = time.monotonic()
        self._idle_before = self.control.idle_s

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._meter.mark("update")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._meter.mark("")
        self.control.look()
        over = state.global_step >= state.max_steps
        if over:
            self.control.ending = ""  # nothing is left to stop or to resume
        if self.control.ending or self.control.wants_checkpoint:
            control.should_save = True
        due = self._trainer.due(state.global_step, state.max_steps)
        if self.control.ending:
            control.should_training_stop = True
            self.owed, due = due, False
        control.should_evaluate = due

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs:
            return
        elapsed_s = time.monotonic() - self._began - (self.control.idle_s - self._idle_before)
        self.step_s = elapsed_s
        tokens = sum(int(t) for t in self._step_tokens)
        self.tokens += tokens
        self._meter.step_took(elapsed_s, tokens)
        loss = float(logs["loss"])
        self._report.step = state.global_step
        self._report.write(
            events.Step(
                time=time.time(),
                step=state.global_step,
                total_steps=state.max_steps,
                loss=loss,
                loss_hex=loss.hex(),
                learning_rate=float(logs["learning_rate"]),
                grad_norm=float(logs.get("grad_norm", math.nan)),
                tokens=self.tokens,
                tokens_per_s=round(tokens / max(elapsed_s, 1e-9), 2),
                seq=self._step_seq,
            )
        )
        self._step_tokens.clear()
        self._step_seq = 0
        if self._after_step is not None:
            self._after_step(state.global_step, state.max_steps)
        state.log_history.clear()  # the journal has it; a million steps of it would be half a GiB
