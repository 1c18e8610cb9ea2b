"""The training loop of PEFT's comparison, over a model without contents (method_comparison/MetaMathQA/run.py).

Its habits decide as much as the model does: the optimizer is made first (LoRA-FA's freezes half of every pair), the
adapters are switched off and on again once (which makes trainable again what that froze), gradients are set to None before the
forward pass, and `outputs` with its logits and cache is held until the next forward pass is over. The card's cache is
emptied after every tenth step, so the longest batch of a bucket of twenty comes into an empty one, after the shortest.
What comes after the longest batch is shorter and is not followed; nor are loading and evaluation, which need less.
"""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import torch
from peft.optimizers import create_lorafa_optimizer

from backends.dry_run.card import as_on
from backends.dry_run.empty import make_fake, no_contents
from backends.dry_run.live import Card, LiveTrace
from benchmarks.truth.dry_run.lengths import BATCHES_A_BUCKET, bucket
from benchmarks.truth.row import Row
from planner.facts.gpus import capability_of

LARGEST_NORM = 1.0
EMPTIED_AFTER = 10
LR = 1e-4


class Steps(LiveTrace):  # type: ignore[no-untyped-call]
    """Keeps births and deaths alone, for the moments of this loop are nobody's lines."""

    def _compare(self, operation: str) -> None:
        pass


def nothing_infinite(tensor: torch.Tensor) -> torch.Tensor:
    """What a run that goes well finds where an adapter looks for infinities."""
    return torch.zeros(tensor.shape, dtype=torch.bool)


def traced(row: Row, model: Any) -> Steps:
    """Two batches before the cache is emptied, the first and the last of ten, and the longest one after."""
    batch = row.micro_batch or 1
    usual = bucket(row.seq_len or 1, batch)
    before = (usual[BATCHES_A_BUCKET - EMPTIED_AFTER], usual[-1])
    card = Card("cuda", capability_of(row.gpu) if row.gpu else 0.0)
    with no_contents(), as_on(card), patch.object(torch.Tensor, "isinf", nothing_infinite):
        make_fake(model)
        steps = Steps(model, card)
        with steps:
            optimizer = optimizer_of(row, model)
            with model.disable_adapter():
                pass
            outputs = None
            for length in before:
                outputs = _step(steps, model, optimizer, batch, length, outputs)
            steps.empty_cache()
            _step(steps, model, optimizer, batch, row.seq_len or 1, outputs)
    return steps


def optimizer_of(row: Row, model: Any) -> torch.optim.Optimizer:
    """In torch's way on a card: all tensors at once."""
    if row.optimizer is not None and row.optimizer.name == "lora_fa_adamw":
        options = row.trainable_options
        rank, alpha = (options.rank or 8, options.alpha or 8) if options else (8, 8)
        made: torch.optim.Optimizer = create_lorafa_optimizer(model, r=rank, lora_alpha=int(alpha), lr=LR)
        return made
    return torch.optim.AdamW(model.parameters(), lr=LR, foreach=True)


def _step(steps: Steps, model: Any, optimizer: torch.optim.Optimizer, batch: int, length: int, held: Any) -> Any:
    """held: what the step before returned, alive until this one's forward pass is over."""
    inputs = _inputs(batch, length)
    for tensor in inputs.values():
        steps.see(tensor, "", "batch")
    optimizer.zero_grad()
    outputs = model(**inputs, num_items_in_batch=batch * length)
    del held
    outputs.loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), LARGEST_NORM, foreach=True)
    optimizer.step()
    return outputs


def _inputs(batch: int, length: int) -> dict[str, torch.Tensor]:
    """All rows but the first are one token shorter: that is padding enough for a mask."""
    ids = torch.ones(batch, length, dtype=torch.long)
    mask = torch.ones(batch, length, dtype=torch.long)
    mask[1:, -1] = 0
    return {"input_ids": ids, "attention_mask": mask, "labels": ids.clone()}
