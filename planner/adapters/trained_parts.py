"""Parts of the model itself that are trained: norms, embeddings, head; with the frozen originals where those stay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from planner.adapters.algebra import matmul, size, to
from planner.autograd.amount import fixed, per_token
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Frozen, Site, Stack, Tensor


@lru_cache(maxsize=512)
def trained_parts(stack: Stack, names: tuple[str, ...], *, copies: bool, bits: int = 0) -> Stack:
    """The stack with these tensors trained, by name or role. bits: of the trained ones, 0: as they are stored.

    copies: the frozen originals stay beside them (PEFT's modules_to_save and LN tuning). Copies are tied to nothing: a
    frozen head tied to the embedding then is the original itself.
    """

    def named(tensor: Tensor) -> bool:
        return tensor.name in names or tensor.role in names

    head_stays = (
        copies
        and any(x.role == "head" and x.tied and not named(x) for x in stack.tensors)
        and any(x.role == "embedding" and named(x) for x in stack.tensors)
    )
    made: list[Tensor] = []
    for tensor in stack.tensors:
        if not named(tensor):
            made.append(replace(tensor, tied=False) if tensor.role == "head" and head_stays else tensor)
            continue
        made.append(replace(tensor, trained=True, bits=bits or tensor.bits, tied=tensor.tied and not copies))
        if copies and not tensor.tied and not (tensor.role == "embedding" and head_stays):
            made.append(replace(tensor, name=f"{tensor.name}.original", role="buffer"))
    return replace(stack, tensors=tuple(made))


@dataclass(frozen=True, slots=True)
class TrainedRows:
    """A tied head with trained rows: a copy of the whole matrix with them in it, made in each forward and kept."""

    tokens: int
    bits: int

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        whole = fixed(base.d_in * base.d_out)
        rows = to(t, Weight(self.tokens * base.d_in, self.bits, True), x.bits)
        places = t.new(fixed(self.tokens), 64)
        picked = size(rows)
        matrix = t.result(whole, x.bits, [rows], lambda g, _: [t.new(picked, g.bits)], keep=[places])
        return matmul(t, x, matrix, per_token(base.d_out))


@lru_cache(maxsize=256)
def trained_tokens(stack: Stack, tokens: int, bits: int) -> Stack:
    """Some rows of the embedding, trained beside it, and their originals; a tied head has the same rows."""
    facts = stack.facts
    shape = (tokens, facts.hidden_size)
    tied = [x for x in stack.tensors if x.role == "head" and x.tied]
    return replace(
        stack,
        tensors=(
            *stack.tensors,
            Tensor("trainable_tokens_delta", "prompt", shape, 1, bits, trained=True),
            Tensor("trainable_tokens_original", "prompt", shape, 1, stack.tensors[0].bits),
        ),
        sites=(
            *stack.sites,
            *(Site(x.name, facts.hidden_size, facts.vocab_size, adapter=TrainedRows(tokens, bits)) for x in tied),
        ),
    )


@lru_cache(maxsize=256)
def from_layer(stack: Stack, start: int) -> tuple[Stack, ...]:
    """The stack in two: its first `start` layers, with what comes before them, and the others with the head.

    Nothing goes back into layers before the first trained one, so that they keep nothing.
    """
    if not 0 < start < stack.layers:
        return (stack,)
    before = tuple(
        replace(x, count=start) if x.count == stack.layers else x
        for x in stack.tensors
        if x.role not in ("head", "final norm")
    )
    after = tuple(
        replace(x, count=stack.layers - start) if x.count == stack.layers else x
        for x in stack.tensors
        if x.count == stack.layers or x.role in ("head", "final norm")
    )
    return replace(stack, layers=start, tensors=before), replace(stack, layers=stack.layers - start, tensors=after)
