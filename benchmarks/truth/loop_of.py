"""The habits of a row's training loop."""

from __future__ import annotations

from benchmarks.truth.row import Row
from planner.draft import Draft, Loop
from planner.techniques import attention_eager, attention_sdpa


def looped(row: Row, draft: Draft) -> Draft:
    """The draft with attention, mask, checkpointing and the loop's habits."""
    eager = row.attention == "eager"
    masked = bool(row.padded) and row.attention != "flash2"
    return draft._replace(
        attend=attention_eager.attend if eager else attention_sdpa.attend,
        mask_bits=draft.compute_bits if eager else (8 if masked else 0),
        recompute=row.checkpointing in ("full", "selective"),
        loop=Loop(
            keeps_outputs=bool(row.keeps_outputs),
            keeps_cache=bool(row.use_cache) and row.checkpointing == "none",
            repeats_kv=row.repeats_kv,
            compiled=bool(row.compile),
            offloaded=bool(row.activation_offload),
            takes_gradients=bool(row.optimizer and row.optimizer.in_backward) or row.sharding.kind == "zero3",
            reentrant=bool(row.checkpointing_reentrant),
        ),
    )
