"""Sums over the tensors of a stack: what is stored, what is trained. Worked out once for each stack."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from planner.draft import Stack, Tensor

CHECKPOINTS_AT_ONCE = 3
"""On the disk: the two that are kept, and the next one while it is being written."""

ADAPTERS = ("adapter", "prompt")
"""Roles of tensors beside the model's own; a prompt goes before the first block."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Elements and bytes of one stack; tied tensors count once, buffers in bytes only.

    of_block, of_embedding, of_positions, of_head, of_final_norm: bytes of what is trained there, of_block for one
    block, of_positions beside the embedding; a tied head's gradient has the embedding's size. into_first: something before the first block is trained, so that what it
    reads wants a gradient. in_turn: bytes of each trained matrix, in the order of an optimizer that
    takes one tensor after the other, two blocks' worth. packed_bytes: of quantised matrices, their scales included.
    """

    weight_elements: int
    weight_bytes: int
    bits: int
    largest_bytes: int
    adapter_elements: int
    adapter_bytes: int
    adapter_bits: int
    trained_tensors: int
    trained_elements: int
    trained_bytes: int
    of_block: int
    of_embedding: int
    of_positions: int
    of_head: int
    of_final_norm: int
    tied: bool
    into_first: bool
    in_turn: tuple[int, ...]
    packed_bytes: int = 0


@lru_cache(maxsize=1024)
def stored(stack: Stack) -> Stored:
    """The sums of a stack."""
    weights = [x for x in stack.tensors if x.role not in ADAPTERS]
    adapters = [x for x in stack.tensors if x.role in ADAPTERS]
    trained = [x for x in stack.tensors if x.trained]
    tied = any(x.tied for x in weights)

    def trained_bytes(*roles: str) -> int:
        return sum(x.elements // x.count * x.bits // 8 for x in trained if x.role in roles)

    # some adapters have fewer tensors than there are layers, or one for all: spread evenly
    of_adapters = sum(x.bytes for x in adapters if x.trained) // stack.layers
    embedding, positions = trained_bytes("embedding"), trained_bytes("positions")
    matrices = ("linear", "adapter")  # norms and biases are a group of their own, without decay, and far smaller
    repeated = [x.bytes // x.count for x in trained if x.role in matrices]
    return Stored(
        weight_elements=sum(x.elements for x in weights if not x.tied and x.role != "buffer"),
        weight_bytes=sum(x.bytes for x in weights),
        bits=weights[0].bits,
        largest_bytes=max(_as_read(x) for x in weights),
        adapter_elements=sum(x.elements for x in adapters if x.trained),
        adapter_bytes=sum(x.bytes for x in adapters),
        adapter_bits=adapters[0].bits if adapters else 0,
        trained_tensors=sum(x.count for x in trained if not x.tied),
        trained_elements=sum(x.elements for x in trained if not x.tied),
        trained_bytes=sum(x.bytes for x in trained),
        of_block=trained_bytes("linear", "bias", "norm") + of_adapters,
        of_embedding=embedding,
        of_positions=positions,
        of_head=trained_bytes("head"),
        of_final_norm=trained_bytes("final norm"),
        tied=tied,
        into_first=embedding > 0 or any(x.role == "prompt" for x in adapters),
        in_turn=(
            *([embedding] if embedding else []),
            *([positions] if positions else []),
            *repeated,
            *(repeated if stack.layers > 1 else []),
            *([] if tied or not trained_bytes("head") else [trained_bytes("head")]),
        ),
        packed_bytes=sum(x.bytes for x in weights if x.packing is not None),
    )


def _as_read(x: Tensor) -> int:
    """Bytes of one tensor while it is loaded: a matrix is read whole before it is quantised."""
    return x.elements // x.count * x.bits // 8 if x.packing is not None else x.bytes // x.count
