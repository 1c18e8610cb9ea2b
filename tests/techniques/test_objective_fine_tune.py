"""The fine-tune's course: its phases and moments in order, and gradients that gather as backward goes down."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from planner.drafting import draft
from planner.ledger import Kind
from planner.slots import Slot
from tests.planner.test_estimate import MODEL, plan
from tests.small_run import choose

MOMENTS = ["forward_end", "loss", "layer_last", "layer_first", "backward_end", "update"]
UNTIED = replace(plan(choose(Slot.TRAINABLE, "full")), model=replace(MODEL, tied_head=False))


def test_the_phases_come_in_order_and_each_once() -> None:
    phases = [phase for phase, _ in groupby(draft(plan()).timeline, key=lambda at: at.phase)]
    assert phases == ["load", "sample", "step 1", "step 2+", "save", "resume"]


def test_a_step_goes_forward_then_back_then_updates() -> None:
    timeline = draft(plan()).timeline
    for phase in ("step 1", "step 2+"):
        assert [at.moment for at in timeline if at.phase == phase] == MOMENTS


def test_gradients_gather_block_by_block_until_the_update() -> None:
    """Head and final norm first, then all blocks but the first, then that, then the embedding's."""
    made = draft(UNTIED)
    hidden, middle, keys = MODEL.hidden_size, MODEL.intermediate_size, MODEL.n_kv_heads * MODEL.head_dim
    block = 2 * (hidden * (2 * hidden + 2 * keys + 3 * middle) + 2 * hidden)
    end = 2 * (MODEL.vocab_size * hidden + hidden)
    embedding = 2 * MODEL.vocab_size * hidden

    def gradients(moment: str) -> int:
        wanted = [x for x in made.lines if x.kind is Kind.GRADIENTS and x.what.startswith("Gradients")]
        return sum(int(x.bytes) for x in wanted if any(at.moment == moment for at in x.alive))

    assert [gradients(m) for m in MOMENTS] == [
        0,
        0,
        end,
        end + (MODEL.n_layers - 1) * block,
        end + MODEL.n_layers * block,
        end + MODEL.n_layers * block + embedding,
    ]


def test_what_is_kept_for_backward_is_gone_when_backward_is_over() -> None:
    for line in draft(plan()).lines:
        if line.what in ("Kept for backward", "Kept by the last block"):
            assert {at.moment for at in line.alive} <= {"loss", "layer_last"}
