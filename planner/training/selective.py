"""Selective checkpointing: what a policy by operation keeps of a block, beside its input (torchtitan's default).

The results of attention and of every second matmul are kept, everything else is made again
(torchtitan/models/llama3/infra/parallelize.py, _apply_ac_to_transformer_block, "op").
"""

from __future__ import annotations

from planner.draft import Draft
from planner.ledger import DEVICE, Kind, Line, Why
from planner.slots import Slot


def selective_lines(draft: Draft) -> tuple[Line, ...]:
    """What all blocks keep by the policy."""
    when, bits = draft.when, draft.compute_bits
    a_token = 0
    for stack in draft.stacks:
        heads = stack.facts.n_heads
        kept = bits * (stack.facts.q_dim + sum(site.d_out for site in stack.sites[::2])) + 32 * heads
        a_token += stack.layers * kept // 8
    why = Why("Results of attention and of every second matmul: {n} bytes a token in all blocks.", (("n", a_token),))
    size = a_token * draft.batch.tokens
    return (Line("Kept by the policy", Kind.ACTIVATIONS, DEVICE, size, when.kept, Slot.ACTIVATION, why),)
