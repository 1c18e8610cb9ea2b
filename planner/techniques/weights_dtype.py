"""What the techniques that only choose an element type share. Not a technique itself."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from planner.draft import Draft, Stack

OWN_MEMORY = (
    "# Loaded weights are pages of the file until they are copied: a file replaced during the run would end it.",
    "for parameter in model.parameters():",
    "    parameter.data = parameter.data.clone()",
)


def store(draft: Draft, bits: int) -> Draft:
    """The draft with every weight stored in `bits`; buffers stay float32."""
    return draft._replace(stacks=tuple(_stored(stack, bits) for stack in draft.stacks))


@lru_cache(maxsize=512)
def _stored(stack: Stack, bits: int) -> Stack:
    return replace(
        stack,
        tensors=tuple(t if t.role == "buffer" or t.bits == bits else replace(t, bits=bits) for t in stack.tensors),
    )
