"""What a run's time is made of, as a few rates, so that one look at a combination of techniques serves every batch and length."""

from __future__ import annotations

from typing import NamedTuple

from planner.units import Num


class Work(NamedTuple):
    """What is to be done: batches through the model, optimizer steps, tokens (padding included), and pairs of tokens
    (rows × seq², padding included). Numbers, or arrays of them on a grid."""

    micro_batches: Num
    steps: Num
    tokens: Num
    pairs: Num


class Rates(NamedTuple):
    """Seconds for each token, each pair of tokens, each micro-batch and each optimizer step.

    starting: seconds for each micro-batch in which the computer tells a card what to do. It goes on beside the card's
    own work, so the longer of both counts; 0 where the computer itself computes.
    """

    per_token: float
    per_pair: float
    per_micro_batch: float
    per_step: float
    starting: float = 0.0

    def seconds(self, work: Work) -> Num:
        """Of the whole work; numbers, or arrays, of the rates as well."""
        computing = (
            self.per_token * work.tokens + self.per_pair * work.pairs + self.per_micro_batch * work.micro_batches
        )
        return _longer(computing, self.starting * work.micro_batches) + self.per_step * work.steps


def _longer(a: Num, b: Num) -> Num:
    if isinstance(a, float | int) and isinstance(b, float | int):
        return max(a, b)
    import numpy as np

    return np.maximum(a, b)
