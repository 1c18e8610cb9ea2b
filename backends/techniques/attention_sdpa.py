"""Asks for torch's scaled_dot_product_attention. Imports nothing of ours."""

from __future__ import annotations

from typing import Any


def load_kwargs(options: Any) -> dict[str, Any]:
    """For `from_pretrained`."""
    return {"attn_implementation": "sdpa"}
