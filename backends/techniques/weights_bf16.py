"""Loads the weights as bfloat16, into memory of the run's own. Imports nothing of ours."""

from __future__ import annotations

from typing import Any

import torch


def load_kwargs(options: Any) -> dict[str, Any]:
    """For `from_pretrained`."""
    return {"dtype": torch.bfloat16}


def wrap(model: Any, options: Any) -> Any:
    """Copy the weights out of the mapped file: a file replaced during the run would end it, and pages of a file are
    not counted as the run's own memory."""
    for parameter in model.parameters():
        parameter.data = parameter.data.clone()
    return model
