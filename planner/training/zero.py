"""DeepSpeed's ZeRO on one rank: flat copies, float32 masters and states, gradient buckets, and the update on float32.

Sizes follow deepspeed/runtime/zero/stage_1_and_2.py and stage3.py (0.10 to 0.12); bucket sizes are those of the
configuration that transformers documents, since a run seldom says others. On a single rank nothing is shared out, but
all of it exists, except copies of whole parameters: `_no_gather_coalesced` (partition_parameters.py) looks into the
flat ones.
"""

from __future__ import annotations

from functools import lru_cache

from planner.draft import Draft, Stack
from planner.ledger import DEVICE, Kind, Line, Why
from planner.slots import Slot
from planner.timeline import stretches
from planner.training.optimizers import Optimizer, trained

# transformers' documentation, "DeepSpeed", examples of ZeRO-2 and ZeRO-3
BUCKET_ELEMENTS = 200_000_000  # reduce_bucket_size with overlap_comm: two buckets take turns
SUB_GROUP_ELEMENTS = 1_000_000_000  # sub_group_size: the update goes through so many parameters at once
LIVE_ELEMENTS = 1_000_000_000  # stage3_max_live_parameters: gathered parameters that stay for their next use


def zero_lines(draft: Draft, stage: int, ranks: int, optimizer: Optimizer) -> tuple[Line, ...]:
    """What ZeRO holds beside the model on one of `ranks`: stage 1 shares states, 2 gradients too, 3 parameters too."""
    return _lines(draft.stacks, draft.stage, stage, ranks, optimizer, draft.facts.hidden_size)


@lru_cache(maxsize=1024)
def _lines(
    stacks: tuple[Stack, ...], stage_of_plan: int, stage: int, ranks: int, optimizer: Optimizer, hidden: int
) -> tuple[Line, ...]:
    when, tensors = stretches(stage_of_plan), list(trained(stacks))
    if not tensors:
        return ()
    elements = sum(x.elements for x in tensors)
    share = -(-elements // ranks)
    bits = max(x.bits for x in tensors)
    largest = max(x.elements // x.count for x in tensors)
    state_bytes = (optimizer.moments * (optimizer.state_bits or 32) + (optimizer.master_bits or 32)) // 8
    backward = when.loss | when.layer_last | when.layer_first | when.backward_end

    def line(what: str, kind: Kind, size: int, alive: frozenset, why: str, *numbers: tuple[str, int]) -> Line:  # type: ignore[type-arg]
        return Line(what, kind, DEVICE, size, alive, Slot.OPTIMIZER, Why(why, numbers))

    lines = [
        line(
            "Optimizer states",
            Kind.STATES,
            share * state_bytes,
            when.training,
            "A float32 copy and the running means of {n} elements, {b} bytes each, from the start.",
            ("n", share),
            ("b", state_bytes),
        )
    ]
    if stage < 3:
        bucket = 2 * min(BUCKET_ELEMENTS, elements if stage == 1 else BUCKET_ELEMENTS) * bits // 8
        lines.append(
            line(
                "Gradient buckets",
                Kind.GRADIENTS,
                bucket,
                backward,
                "Two buckets of {n} elements take turns: one fills while the other is averaged.",
                ("n", BUCKET_ELEMENTS),
            )
        )
        at_once = share
    else:
        bucket = hidden * hidden * bits // 8  # reduce_bucket_size "auto"
        gathered = min(elements, LIVE_ELEMENTS) * bits // 8 if ranks > 1 else 0
        lines += [
            line(
                "Gradients in one piece",
                Kind.GRADIENTS,
                share * bits // 8 + bucket,
                when.training,
                "A flat buffer of {n} elements, there from the start, and a bucket on the way to it.",
                ("n", share),
            ),
            line(
                "Gathered parameters",
                Kind.WEIGHTS,
                gathered,
                when.forward_end | backward,
                "Parameters gathered for a block stay for backward while there are fewer than {n} of them.",
                ("n", LIVE_ELEMENTS),
            ),
        ]
        at_once = min(share, SUB_GROUP_ELEMENTS)
    lines.append(
        line(
            "Update workspace",
            Kind.WORKSPACE,
            max(at_once * (bits // 8 + 4), 8 * largest, checked_bytes(share, bits) if stage == 3 else 0),
            when.update,
            "Gradients of {n} elements in one piece and once more in float32; their norm is taken in float64.",
            ("n", at_once),
        )
    )
    return tuple([x for x in lines if x.bytes])


def checked_bytes(share: int, bits: int) -> int:
    """Of stage 3's look for infinities in all gradients at once (stage3.py, has_overflow): `isinf` is
    `abs(x) == inf` in torch, a copy and a byte for each element."""
    return share * (bits // 8 + 1)
