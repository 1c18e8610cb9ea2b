"""How a row's run is shared out between ranks."""

from __future__ import annotations

from benchmarks.truth.row import Row
from planner.draft import Draft
from planner.ledger import Line
from planner.training.selective import selective_lines
from planner.training.sharding import Shares, per_rank

BY_ZERO = ("zero1", "zero2", "zero3")  # counted with their optimizer


def sharded(row: Row, draft: Draft, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines of one rank; of one device where there is but one."""
    about = row.sharding
    if row.checkpointing == "selective":
        lines = (*lines, *selective_lines(draft))
    if about.kind in BY_ZERO or about.n_gpus < 2:
        return lines
    blocks = about.pipeline_parallel or (about.n_gpus if about.kind == "layers_over_devices" else 1)
    ranks = max(1, about.n_gpus // blocks)
    if about.kind == "fsdp_hybrid" and about.data_parallel:
        ranks = max(1, about.n_gpus // about.data_parallel)
    kind = "fsdp_full" if about.kind in ("combined", "pipeline") else about.kind
    return per_rank(draft, lines, Shares(kind, ranks, blocks, about.tensor_parallel or 1, about.cpu_offload))
