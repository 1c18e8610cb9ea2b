"""One block of layers trained at a time, the others frozen until their turn (BAdam): what is trained is a part of a stack."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from planner.draft import Stack

OF_BLOCKS = ("linear", "bias", "norm", "router")


def one_block_of(stacks: tuple[Stack, ...], total_blocks: int, active_blocks: int = 1) -> tuple[Stack, ...]:
    """The stacks with this share of their layers trained and everything else frozen.

    The first layers are the active ones: then backward goes through all of them, which is when it needs most.
    """
    layers = sum(stack.layers for stack in stacks)
    wanted = max(1, layers * active_blocks // max(1, total_blocks))
    made: list[Stack] = []
    for stack in stacks:
        here = min(wanted, stack.layers)
        wanted -= here
        made += _parted(stack, here)
    return tuple(made)


@lru_cache(maxsize=256)
def _parted(stack: Stack, active: int) -> tuple[Stack, ...]:
    frozen = tuple(replace(x, trained=False) for x in stack.tensors)
    if not active:
        return (replace(stack, tensors=frozen),)
    repeated = tuple(x for x in frozen if x.count == stack.layers and x.role in OF_BLOCKS)
    around = tuple(x for x in frozen if x not in repeated)
    # what is there once before the blocks belongs to the first part, what comes after them to the last
    after = tuple(x for x in around if x.role in ("final norm", "head"))
    before = tuple(x for x in around if x not in after)
    rest = stack.layers - active
    trained = tuple(replace(x, count=active, trained=True) for x in repeated)
    if not rest:
        return (replace(stack, tensors=(*before, *trained, *after)),)
    others = tuple(replace(x, count=rest) for x in repeated)
    return (
        replace(stack, layers=active, tensors=(*before, *trained)),
        replace(stack, layers=rest, tensors=(*others, *after)),
    )
