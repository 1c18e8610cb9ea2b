"""torch's AdamW with the implementation that the plan names. Imports nothing of ours."""

from __future__ import annotations

from typing import Any

import torch


def optimizer(options: Any) -> tuple[type, dict[str, Any]]:
    """For SFTTrainer's `optimizer_cls_and_kwargs`. The learning rate is set by the worker, from the schedule."""
    return torch.optim.AdamW, {
        "betas": (options.beta1, options.beta2),
        "eps": options.eps,
        "fused": options.implementation == "fused",
        "foreach": options.implementation == "foreach",
    }
