"""How few steps show what all of a run need, and how they are ended early. Said once for dry run and proof; needs no torch."""

from __future__ import annotations

STEPS = 2
"""The optimizer's states exist from the second on."""

MICRO_BATCHES = 2
"""Of a step with more: in the second, gradients of an earlier one are there, and no later one adds to that."""


class StoppedError(Exception):
    """Somebody has asked the steps to stop."""
