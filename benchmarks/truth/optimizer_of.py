"""The optimizer of a row."""

from __future__ import annotations

from benchmarks.truth.row import Row
from planner.draft import Draft
from planner.ledger import Line
from planner.problem import fail
from planner.training.optimizers import LOMO, SGD, Optimizer, optimizer_lines
from planner.training.zero import zero_lines
from planner.units import BYTES_PER_ELEMENT

KNOWN = ("foreach", "fused", "for_loop", "bitsandbytes")
WITHOUT_STATES = {"sgd": SGD, "lomo": LOMO}


def lines(row: Row, draft: Draft) -> tuple[Line, ...]:
    """States, and what the update works with."""
    optimizer = of(row)
    if row.sharding.kind in ("zero1", "zero2", "zero3"):
        return zero_lines(draft, int(row.sharding.kind[-1]), row.sharding.n_gpus, optimizer)
    return optimizer_lines(draft, optimizer)


def of(row: Row) -> Optimizer:
    """The description of the row's optimizer; all that keep states are Adam's children."""
    about = row.optimizer
    if about is None:
        raise fail("row.optimizer", "the row does not say what updates the weights", "")
    if about.name in WITHOUT_STATES:
        return WITHOUT_STATES[about.name]
    named = about.state_dtype or "float32"
    rank = row.trainable_options.rank if row.trainable_options and about.name.endswith("galore_adamw") else 0
    how = about.implementation
    return Optimizer(
        state_bits=0 if named == "param" else 8 * BYTES_PER_ELEMENT[named],
        implementation="deepspeed" if how == "deepspeed_fused" else how if how in KNOWN else "fused",
        in_backward=about.in_backward,
        paged=about.paged,
        master_bits=32 if about.master_weights_dtype else 0,
        rank=rank or 0,
        projection_bits=4 if about.name.startswith("q_") else 16,
        steps=how != "bitsandbytes",
    )
