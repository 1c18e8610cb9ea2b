"""Parts of the model itself that are trained: norms, embeddings, head; with the frozen originals where those stay."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from planner.draft import Stack, Tensor


@lru_cache(maxsize=512)
def trained_parts(stack: Stack, names: tuple[str, ...], *, copies: bool, bits: int = 0) -> Stack:
    """The stack with these tensors trained, by name or role. bits: of the trained ones, 0: as they are stored.

    copies: the frozen originals stay beside them (PEFT's modules_to_save and LN tuning). A trained copy of a tied head
    is a tensor of its own.
    """
    made: list[Tensor] = []
    for tensor in stack.tensors:
        if tensor.name not in names and tensor.role not in names:
            made.append(tensor)
            continue
        made.append(replace(tensor, trained=True, bits=bits or tensor.bits, tied=tensor.tied and not copies))
        if copies and not tensor.tied:
            made.append(replace(tensor, name=f"{tensor.name}.original", role="buffer"))
    return replace(stack, tensors=tuple(made))


@lru_cache(maxsize=256)
def trained_tokens(stack: Stack, tokens: int, bits: int) -> Stack:
    """Some rows of the embedding, trained beside it, and their originals."""
    facts = stack.facts
    shape = (tokens, facts.hidden_size)
    return replace(
        stack,
        tensors=(
            *stack.tensors,
            Tensor("trainable_tokens_delta", "prompt", shape, 1, bits, trained=True),
            Tensor("trainable_tokens_original", "prompt", shape, 1, stack.tensors[0].bits),
        ),
    )
