"""Which tensor of a plan the size that was asked for is: what a message gives away without any traceback.

A size is only named where one tensor of the plan's own shapes matches it, as the allocator rounds and torch prints it.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.facts.data import longest_batch
from planner.facts.model.families import stacks_of
from planner.plan import Plan
from planner.slots import Slot
from planner.units import MIB
from planner.why.settings import answers

SMALLEST_BYTES = 100 * MIB  # below, too many tensors are alike
ROUNDED_TO = 2 * MIB
PRINTED_WITHIN = 0.003  # two digits after the point of a figure above 1.5


def what_was_asked(plan: Plan, asked: int) -> str:
    """`the logits of 8 × 1,024 tokens over 151,936 words in float32`; empty where nothing matches."""
    if asked < SMALLEST_BYTES:
        return ""
    for size, words in _tensors(plan):
        rounded = -(-size // ROUNDED_TO) * ROUNDED_TO
        if abs(rounded - asked) <= max(asked * PRINTED_WITHIN, ROUNDED_TO // 2):
            return words
    return ""


def _tensors(plan: Plan) -> Iterator[tuple[int, str]]:
    """Bytes and words of large tensors of a step, the likeliest first."""
    model, batch = plan.model, longest_batch(plan.data, plan.stage.schedule)
    rows, seq = int(batch.rows), int(batch.seq)
    batch_words = f"{rows} × {seq:,} tokens"
    for bytes_each, name in ((4, "float32"), (2, "16 bits")):
        for tokens, which in ((rows * seq, batch_words), (rows * (seq - 1), f"{rows} × {seq - 1:,} tokens")):
            yield (
                tokens * model.vocab_size * bytes_each,
                f"the logits of {which} over {model.vocab_size:,} words in {name}",
            )
        yield (
            rows * seq * model.intermediate_size * bytes_each,
            f"one result of a feed-forward layer for {batch_words} in {name}",
        )
        if answers(plan, Slot.ATTENTION, "scores"):
            yield rows * model.n_heads * seq * seq * bytes_each, f"the attention scores of {batch_words} in {name}"
    for stack in stacks_of(model):
        for x in stack.tensors:
            if x.role in ("head", "embedding", "linear"):
                elements = x.elements // max(1, x.count)
                for bytes_each, name in ((4, "float32"), (2, "16 bits")):
                    yield (
                        elements * bytes_each,
                        f"as large as the matrix {x.name} in {name}: its gradient, state or copy",
                    )
