"""The plan's own trainer, run over tensors without contents: two steps, because optimizer states exist only in the second.

It is the trainer that `backends.counted` runs for real, with the same mixins, twins and count; only the contents are
missing. So what is traced is what is counted, by construction.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from backends.counted import CountedSteps, counted_trainer
from backends.dry_run import planned
from backends.dry_run.card import as_on
from backends.dry_run.empty import make_fake, no_contents
from backends.dry_run.live import Card, LiveTrace
from backends.few_steps import MICRO_BATCHES, STEPS, StoppedError
from backends.trainers.twins import twins_of
from planner.facts.data import BatchShape
from planner.plan import Plan


class TracedSteps(CountedSteps):
    """Goes before SFTTrainer: every step is traced. Nothing is moved to a device; batches reach a card when it does.

    left_out: micro-batches of each step that are there but not followed, because they would do what the second one does.
    """

    card: Card | None = None
    left_out = 0
    tell: Callable[[str], bool]

    def begun(self) -> LiveTrace:
        live = LiveTrace(self.model, self.card)  # type: ignore[attr-defined]

        def look() -> None:
            stretch, block, _ = live.where
            where = f"{stretch}, block {block + 1} of {live.n_blocks}" if block >= 0 else stretch
            if not self.tell(f"step {self.state.global_step + 1} of {STEPS}: {where}"):  # type: ignore[attr-defined]
                raise StoppedError

        live.look = look
        return live

    def _move_model_to_device(self, *args: Any) -> None:
        """It has no contents, and a module's `to` cannot exchange such tensors."""

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
        """Batches are put together in the computer's memory and moved to a card, all those of a step at once."""
        live = self.live_count
        assert isinstance(live, LiveTrace)
        live.on_host, live.fetching = self.card is not None, True
        try:
            batches, items = super().get_batch_samples(*args, **kwargs)  # type: ignore[misc]
        finally:
            live.on_host = live.fetching = False
        tensors = [x for batch in batches for x in batch.values() if isinstance(x, torch.Tensor)]
        per_batch = tensors[: len(tensors) // max(len(batches), 1)]
        self._waiting = [torch.empty_like(x) for _ in range(self.left_out) for x in per_batch]
        for tensor in (*tensors, *self._waiting):
            live.see(tensor, "", "batch")
        return batches, items

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The library's loop but for what it reads of the losses, which have no contents."""
        self.model.eval()  # type: ignore[attr-defined]
        live, batches = self.live_count, iter(self.get_eval_dataloader())  # type: ignore[attr-defined]
        assert isinstance(live, LiveTrace)
        while True:
            live.on_host, live.fetching = self.card is not None, True
            try:
                inputs = next(batches, None)
            finally:
                live.on_host = live.fetching = False
            if inputs is None:
                return {}
            self.prediction_step(self.model, inputs, prediction_loss_only=True)  # type: ignore[attr-defined]


def trace(
    plan: Plan,
    batch: BatchShape,
    card: Card | None = None,
    *,
    evaluated: BatchShape | None = None,
    data: list[dict[str, Any]] | None = None,
    steps: int = STEPS,
    tell: Callable[[str], bool] = lambda where: True,
    within: Path | None = None,
) -> LiveTrace:
    """The steps of a plan on its heaviest batch. evaluated: the shape of an evaluation's batches, of which two come after
    the last step; none where it is not given. data: other rows than those. tell: hears where the step is, says whether
    to go on. within: where the trainer's own folder, which stays empty, is made and removed; else with temporary files.

    Raises ProblemError of `planned`, StoppedError, and torch's own errors over an operation that needs contents.
    """
    twins = twins_of(plan)
    model = planned.empty_model(plan, twins)
    accumulated = plan.stage.schedule.grad_accumulation
    followed = min(accumulated, MICRO_BATCHES)
    kind = type(
        "OnCard", (TracedSteps,), {"card": card, "left_out": accumulated - followed, "tell": staticmethod(tell)}
    )
    rows = (
        data if data is not None else planned.heaviest_rows(plan, batch, followed * steps + 1)
    )  # one is fetched ahead
    with tempfile.TemporaryDirectory(dir=within, ignore_cleanup_errors=True) as folder:
        trainer = counted_trainer(
            plan,
            twins,
            (kind,),
            model,
            planned.small_tokenizer(),
            rows,
            folder,
            planned.heaviest_rows(plan, evaluated, 2) if evaluated else None,
            per_device_eval_batch_size=int(evaluated.rows) if evaluated else 1,
            max_steps=steps,
            per_device_train_batch_size=int(batch.rows),
            gradient_accumulation_steps=followed,
            train_sampling_strategy="sequential",
            use_cpu=True,
            dataloader_pin_memory=False,
        )
        trainer.accelerator.device_placement = False
        with no_contents(), as_on(card):
            make_fake(trainer.model)
            trainer.train()
    live: LiveTrace = trainer.live_count
    return live
