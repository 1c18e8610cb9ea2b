"""MeZO: two forward passes with weights moved along one random direction, forth and back, and no gradient at all.

Memory-efficient zeroth-order optimisation (Malladi et al. 2023, arXiv 2305.17333, algorithm 1). The direction is never
stored: it is drawn again from its seed, tensor by tensor, as in the authors' large_models/trainer.py.
"""

from __future__ import annotations

from planner.autograd.head import Loss
from planner.draft import Draft
from planner.forward_alone import forward_lines
from planner.ledger import DEVICE, Kind, Line, Why
from planner.slots import Slot
from planner.timeline import stretches
from planner.training.optimizers import trained
from planner.units import Num
from planner.weights.loaded import weight_lines
from planner.workspaces import workspace_lines

AT_ONCE = 4
"""Of one tensor's size in zo_update: the direction, its multiple by the projected gradient, the weight's decay (made
even where it is zero), and the sum of both."""


def zeroth_order_lines(draft: Draft, loss: Loss, piece_tokens: Num = 0) -> tuple[Line, ...]:
    """All lines of training: weights, a forward pass, and what moving one tensor after the other takes.

    The instants are those of any training: `forward_end`, `loss` and `update`. Gradients, states and what is kept for
    backward do not exist.
    """
    when = stretches(draft.stage)
    largest = max((x.elements // x.count * x.bits // 8 for x in trained(draft.stacks)), default=0)
    why = Why(
        "One tensor at a time is moved along its random direction, drawn again from the seed: {k} of {n} bytes.",
        (("k", AT_ONCE), ("n", largest)),
    )
    moved = Line("One tensor being moved", Kind.WORKSPACE, DEVICE, AT_ONCE * largest, when.update, Slot.OPTIMIZER, why)
    return (
        *weight_lines(draft.stacks, draft.device, when.always),
        *workspace_lines(draft.device, draft.capability, 1, when.training),  # no thread of its own goes back
        *forward_lines(draft, loss, piece_tokens, when.forward_end, when.loss),
        moved,
    )
