"""The model's own causal-language-model loss, from logits of all tokens at once. Imports nothing of ours."""

from __future__ import annotations

from typing import Any

import torch


class FullLogitsLoss:
    """Goes before SFTTrainer, whose own loss never makes the logits. TRL's metrics that need its head are left out."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Sum over the labels that count ÷ their number in the whole step, so that accumulation changes nothing."""
        if torch.is_tensor(num_items_in_batch):
            num_items_in_batch = num_items_in_batch.clamp(min=1)
        inputs["use_cache"] = False
        outputs = model(**inputs, num_items_in_batch=num_items_in_batch)
        # only the loss leaves: outputs would hold the logits through the whole backward pass
        return (outputs.loss, outputs) if return_outputs else outputs.loss


def trainer_mixin(options: Any) -> type:
    """The class to inherit from before SFTTrainer."""
    return FullLogitsLoss
