"""Why a line of the ledger is traced otherwise than it is computed: what is known to make the two differ, in sentences.

A difference without a cause here is a fault of the formula or of the trace, and is said to be one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from planner.draft import Draft
from planner.plan import Plan
from planner.slots import Slot
from planner.techniques.registry import technique
from planner.timeline import FIRST
from planner.units import KIB
from planner.workspaces import workspace_bytes

SHARE = 100  # a hundredth of the moment
SMALLEST_BYTES = 8 * KIB
UNKNOWN = "No cause is known: the formula or the trace is wrong here."
OF_BLOCKS = ("One block, forward", "One block, backward", "Kept so far", "Kept for backward", "Kept by the last block")


class Differing(NamedTuple):
    """One line at one moment that differs. more_bytes: formula − traced, of_moment_bytes: the same of all lines together;
    total_bytes: traced, of the whole moment."""

    plan: Plan
    draft: Draft
    phase: str
    moment: str
    what: str
    more_bytes: int
    total_bytes: int
    of_moment_bytes: int = 0

    @property
    def on_card(self) -> bool:
        return self.draft.device != "cpu"

    @property
    def in_tiles(self) -> bool:
        """Whether the loss is TRL's own: for any other the worker has something to do."""
        choice = self.plan.stage.choice(Slot.LOSS)
        return choice is not None and not technique(choice.slot, choice.technique).twin


def matters(more_bytes: int, total_bytes: int) -> bool:
    """Whether a difference is large enough to be explained."""
    return abs(more_bytes) > max(total_bytes // SHARE, SMALLEST_BYTES)


def why(d: Differing) -> str:
    """The first cause that fits; empty for a difference that is not worth one."""
    a_part = matters(d.of_moment_bytes, d.total_bytes) and 4 * abs(d.more_bytes) >= abs(d.of_moment_bytes)
    if not a_part and not matters(d.more_bytes, d.total_bytes):
        return ""
    return next((sentence for fits, sentence in CAUSES if fits(d)), UNKNOWN)


def _before_backward(d: Differing) -> bool:
    within = abs(d.more_bytes) <= workspace_bytes(d.draft.capability)
    moment = (d.what == "Workspaces of matmuls" and d.moment == "forward_end") or d.moment == "loss"
    return d.draft.device == "cuda" and d.phase == FIRST and moment and within


def _causal_for_each_row(d: Differing) -> bool:
    f = d.draft.facts
    written_out = d.draft.compute_bits == 32 and f.n_kv_heads != f.n_heads and not d.draft.mask_bits
    several = int(d.draft.batch.rows) > 1 and d.more_bytes > 0
    return d.on_card and written_out and several and d.what in OF_BLOCKS


def _mask_in_groups(d: Differing) -> bool:
    yes_or_no = d.draft.mask_bits == 8  # a mask for scores that are written out has their own type
    return bool(d.on_card and yes_or_no and int(d.draft.batch.seq) % 8) and d.what in OF_BLOCKS


def _scored_only(d: Differing) -> bool:
    some = d.draft.batch.padded or d.plan.stage.schedule.completion_only
    return d.on_card and bool(some) and d.in_tiles and d.moment == "loss"


CAUSES: tuple[tuple[Callable[[Differing], bool], str], ...] = (
    (
        _causal_for_each_row,
        "For 32 bits and fewer key and value heads than query heads a card makes all scores, with one causal mask; the "
        "plan counts one for each row.",
    ),
    (_mask_in_groups, "The kernel wants rows of the mask in groups of eight, so every block keeps a padded copy."),
    (_scored_only, "On a card TRL's loss reads only the tokens that count; the plan takes all of them."),
    (
        _before_backward,
        "The plan counts both workspaces of matmuls from the start. Backward's is made at its first matmul, which comes "
        "after this, or makes another instant of the loss the fullest.",
    ),
)
