"""What is trained before each row's own tokens: prompts, encoded prompts, prefixes of keys and values.

A prompt makes rows longer, which is the caller's part; a prefix lengthens only keys and values.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from planner.draft import Prefix, Stack, Tensor


@lru_cache(maxsize=256)
def prompted(stacks: tuple[Stack, ...], tokens: int, bits: int) -> tuple[Stack, ...]:
    """Prompt tuning: an embedding for each virtual token."""
    size = stacks[0].facts.hidden_size
    return _before(stacks, (Tensor("prompt_embeddings", "prompt", (tokens, size), 1, bits, trained=True),))


@lru_cache(maxsize=256)
def encoded(stacks: tuple[Stack, ...], tokens: int, hidden: int, bits: int, lstm_layers: int = 0) -> tuple[Stack, ...]:
    """P-tuning: the same through three linear layers of `hidden`, or a bidirectional LSTM and two layers."""
    size = stacks[0].facts.hidden_size
    shapes: list[tuple[int, ...]] = [(tokens, size)]
    if lstm_layers:
        for i in range(lstm_layers):
            d_in = size if i == 0 else 2 * hidden
            shapes += 2 * [(4 * hidden, d_in), (4 * hidden, hidden), (4 * hidden,), (4 * hidden,)]
        shapes += [(2 * hidden, 2 * hidden), (2 * hidden,), (size, 2 * hidden), (size,)]
    else:
        shapes += [(hidden, size), (hidden,), (hidden, hidden), (hidden,), (size, hidden), (size,)]
    return _before(
        stacks,
        tuple(Tensor(f"prompt_encoder_{i}", "prompt", one, 1, bits, trained=True) for i, one in enumerate(shapes)),
    )


@lru_cache(maxsize=256)
def prefixed(stacks: tuple[Stack, ...], tokens: int, rows: int, bits: int, projected: int = 0) -> tuple[Stack, ...]:
    """Prefix tuning: keys and values of `tokens` positions for every layer. projected: width of a network before them."""
    made = []
    for stack in stacks:
        facts = stack.facts
        size, width = 2 * stack.layers * facts.kv_dim, facts.kv_dim
        shapes: tuple[tuple[int, ...], ...] = ((tokens, size),)
        if projected:
            shapes = ((tokens, width), (projected, width), (projected,), (size, projected), (size,))
        added = (Tensor(f"prefix_{i}", "adapter", one, 1, bits, trained=True) for i, one in enumerate(shapes))
        prefix = Prefix(tokens, rows, stack.tensors[0].bits)
        made.append(replace(stack, tensors=(*stack.tensors, *added), prefix=prefix))
    return tuple(made)


def _before(stacks: tuple[Stack, ...], tensors: tuple[Tensor, ...]) -> tuple[Stack, ...]:
    first, *others = stacks
    return (replace(first, tensors=(*first.tensors, *tensors)), *others)
