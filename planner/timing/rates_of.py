"""From a draft and a device's speed to seconds for each token, pair of tokens, micro-batch and step.

It depends on the draft's techniques, never on its batch. Looked up by stacks and ways, so that a warm call is cheap.
"""

from __future__ import annotations

from functools import lru_cache

from planner.draft import Draft
from planner.timing.effort import Effort, effort_of
from planner.timing.rates import Rates
from planner.timing.speed import Speed


def rates_of(draft: Draft, speed: Speed) -> Rates:
    """draft: with all its techniques applied; its batch is not looked at."""
    return rates(effort_of(draft), speed)


@lru_cache(maxsize=8192)
def rates(e: Effort, speed: Speed) -> Rates:
    """What an effort takes of a device: each of its parts at its own speed, one after the other."""
    attention = speed.pair_flops_16 if e.narrow else speed.pair_flops_32
    token = e.flops_16 / speed.flops_16 + e.flops_32 / speed.flops_32 + e.token_bytes / speed.bytes_s
    if e.moved_bytes and speed.host_bytes_s:
        token += e.moved_bytes / speed.host_bytes_s
    batch = e.batch_bytes / speed.bytes_s + e.read_bytes / speed.read_bytes_s
    starting = e.operations * speed.operation_s
    update = e.update_bytes / speed.read_bytes_s + e.update_made_bytes / speed.bytes_s
    update += e.update_operations * speed.operation_s
    pair = e.pair_flops / attention + e.pair_bytes / speed.bytes_s
    if speed.starts_beside:
        return Rates(token, pair, batch, update, starting)
    return Rates(token, pair, batch + starting, update)
