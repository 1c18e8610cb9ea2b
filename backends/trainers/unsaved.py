"""The trainer's coat for steps that nobody keeps: told like a run's, but no checkpoint is ever made.

With nothing to save, a wish to stop need not wait for the end of a step: it is obeyed between two micro-batches.
"""

from __future__ import annotations

from typing import Any

from backends.few_steps import StoppedError
from backends.trainers.journaled import Journaled


class Unsaved(Journaled):
    """Mixin before SFTTrainer. batch_shape: (batch, seq) of the last micro-batch. `train` raises StoppedError."""

    batch_shape: tuple[int, int] = (0, 0)

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        rows, seq = inputs["input_ids"].shape
        self.batch_shape = (int(rows), int(seq))
        loss = super().training_step(model, inputs, num_items_in_batch)
        self.told.control.look()
        if self.told.control.ending:
            raise StoppedError
        return loss

    def due(self, step: int, last: int) -> bool:
        """Whoever takes these steps evaluates where it wants to."""
        return False

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """There is nothing to go on from."""
        self.told.control.wants_checkpoint = False
