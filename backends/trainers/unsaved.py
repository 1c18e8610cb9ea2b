"""The trainer's coat for steps that nobody keeps: told and interruptible like a run's, but no checkpoint is ever made."""

from __future__ import annotations

from typing import Any

from backends.trainers.journaled import Journaled


class Unsaved(Journaled):
    """Mixin before SFTTrainer. batch_shape: (batch, seq) of the last micro-batch."""

    batch_shape: tuple[int, int] = (0, 0)

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        rows, seq = inputs["input_ids"].shape
        self.batch_shape = (int(rows), int(seq))
        return super().training_step(model, inputs, num_items_in_batch)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """A wish to stop asks for one; there is nothing to go on from."""
        self.told.control.wants_checkpoint = False
