"""Evaluations between two steps, told and interruptible: the library's own loop over the rows held out.

It goes before SFTTrainer with `Journaled` and changes nothing of the training: the generators are as they were, because
even the loader of rows in order draws a number for workers it has not. The loss is transformers' `eval_loss` (5.23): the
mean over rows of their batches' losses, each the mean over its batch's label tokens. Nothing but losses is gathered.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from backends.meter import Meter
from backends.report import Report
from backends.states import rng_state, set_rng_state
from planner.run import events

if TYPE_CHECKING:
    from backends.trainers.journaled import TellSteps


class CutShortError(Exception):
    """Somebody wants the run to end; what is left of the evaluation is not waited for."""


class Evaluating:
    """Mixin before SFTTrainer. It evaluates where `due` says, whatever the library's own strategy is."""

    report: Report
    meter: Meter
    told: TellSteps
    _may_be_cut = True
    _tokens: list[torch.Tensor]

    def due(self, step: int, last: int) -> bool:
        """Whether an evaluation follows this step: every so many, and the last one of the run."""
        if not self._has_rows():
            return False
        every: int = self.args.eval_steps if self.args.eval_strategy == "steps" else 0  # type: ignore[attr-defined]
        return step >= last or bool(every and step % every == 0)

    def _has_rows(self) -> bool:
        """None where nothing is held out, or where TRL drops all that is because no answer is left of it."""
        rows = self.eval_dataset  # type: ignore[attr-defined]
        return rows is not None and len(rows) > 0

    def evaluate_owed(self) -> None:
        """The evaluation that an ending cut short, before the first step after a resume."""
        self._may_be_cut = False
        try:
            self.evaluate()
        finally:
            self._may_be_cut = True

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        step, phase, idle_s = self.state.global_step, self.report.phase_name, self.told.control.idle_s  # type: ignore[attr-defined]
        self.report.phase("evaluate", f"after step {step}")
        began, self._tokens = time.monotonic(), []
        loaders = self.accelerator._dataloaders  # type: ignore[attr-defined]
        known, generators = len(loaders), rng_state()
        try:
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)  # type: ignore[misc]
        finally:
            set_rng_state(generators)
            del loaders[known:]  # accelerate keeps every loader it ever made
        self.meter.mark("")
        seconds = time.monotonic() - began - (self.told.control.idle_s - idle_s)
        loss = float(metrics["eval_loss"])
        tokens = sum(int(t) for t in self._tokens)
        self.report.write(events.Evaluation(time.time(), step, loss, loss.hex(), tokens, round(seconds, 3)))
        self.report.phase(phase)
        return metrics

    def prediction_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        self.told.control.between_micro_steps()
        if self.told.control.ending and self._may_be_cut:
            raise CutShortError
        self._tokens.append(inputs["attention_mask"].sum())
        self.meter.mark("evaluate")
        return super().prediction_step(model, inputs, *args, **kwargs)  # type: ignore[misc]

    def _evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Within a training. One that is cut short is owed, unless the last step is done: then the run is."""
        try:
            return super()._evaluate(*args, **kwargs)  # type: ignore[misc]
        except CutShortError:
            self.meter.mark("")
            self.report.phase("train")
            self.told.cut_short()
            self.control.should_save = self.control.should_training_stop = True  # type: ignore[attr-defined]
            return {}
