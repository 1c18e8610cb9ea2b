"""From a draft and a device's speed to seconds for each token, pair of tokens, micro-batch and step.

It depends on the draft's techniques, never on its batch. Looked up by stacks and ways, so that a warm call is cheap.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

from planner.draft import Draft, HeadWork, Stack
from planner.timing.rates import Rates
from planner.timing.speed import Speed


def rates_of(draft: Draft, speed: Speed) -> Rates:
    """draft: with all its techniques applied; its batch is not looked at."""
    return _rates(draft.stacks, draft.compute_bits, draft.recompute, draft.head_work, speed)


@lru_cache(maxsize=8192)
def _rates(stacks: tuple[Stack, ...], bits: int, recompute: bool, head: HeadWork | None, speed: Speed) -> Rates:
    flops = speed.flops_16 if bits == 16 else speed.flops_32
    token = pair = batch = step = 0.0
    for stack in stacks:
        for x in stack.tensors:
            if x.role not in ("linear", "adapter", "head") and not (x.role == "embedding" and stack.facts.tied_head):
                continue
            products = 2 + recompute + x.trained
            token += 2 * x.count * prod(x.shape) * products / flops
        pair += 4 * stack.facts.q_dim * stack.layers * 3 / flops
    return Rates(token, pair, batch, step)
