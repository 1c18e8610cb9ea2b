"""The habits of a row's training loop."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.truth.row import Row
from planner.draft import Draft, Loop, Stack
from planner.facts.model.families import joined_qkv
from planner.facts.model.families.decoders import DECODERS
from planner.problem import fail
from planner.techniques import attention_eager, attention_sdpa
from planner.training.one_block import one_block_of

CUT = 64  # limits on the length of rows are round numbers
SLICES = frozenset({"q_proj", "k_proj", "v_proj"})


def joined(row: Row) -> bool:
    """Whether the blocks have one matrix for queries, keys and values of which an adapter's targets are slices."""
    options = row.trainable_options
    if row.trainable in ("llama_adapter", "llama_adapter_v2"):
        return True  # their one published implementation has it
    return bool(options and options.fused_qkv and SLICES & set(options.target_modules or ()))


def written(row: Row, stacks: tuple[Stack, ...]) -> tuple[Stack, ...]:
    """The stacks with the matmuls that this row's implementation of the model has."""
    if joined(row):
        stacks = tuple(joined_qkv.joined(stack) for stack in stacks)
        if not all(
            stack.facts.family in DECODERS and "qkv_proj" in {x.weight for x in stack.sites} for stack in stacks
        ):
            fact = (
                f"{stacks[0].facts.architecture} written with one matrix for queries, keys and values is not computed"
            )
            raise fail("row.joined", fact, "")
    if row.optimizer is not None and row.optimizer.name == "badam":
        options = row.trainable_options
        total = (options.total_blocks if options else None) or sum(stack.layers for stack in stacks)
        return one_block_of(stacks, total, (options.active_blocks if options else None) or 1)
    return stacks


def rare_length(row: Row) -> bool:
    """Whether the longest batch comes but once: it has the longest sample's own length, at which no limit cuts others.

    Where all rows have one length, that is repeated; where a limit cuts them, many reach it. The fields do not tell a
    longest sample from a limit that it reached, but limits are round.
    """
    longest = row.seq_len_kind in ("longest_known", "longest_inferred")
    return longest and bool(row.seq_len and row.seq_len % CUT)


def looped(row: Row, draft: Draft) -> Draft:
    """The draft with attention, mask, checkpointing and the loop's habits."""
    eager = row.attention == "eager"
    masked = bool(row.padded) and row.attention != "flash2"
    one = joined(row)
    packed = row.weights is not None and row.weights.storage in ("nf4", "fp4", "int8")
    keeps_graph = one and packed and bool(row.keeps_outputs)
    parts = row.sharding.context_parallel or 1
    return draft._replace(
        # each rank has its part of every row; in a pipeline rows go one by one, and a stage of n holds n of them for its
        # share of the blocks, which comes to one row in all blocks
        batch=replace(
            draft.batch,
            rows=1 if (row.sharding.pipeline_parallel or 1) > 1 else draft.batch.rows,
            seq=-(-draft.batch.seq // parts),
        ),
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
            joined_qkv=one,
            keeps_graph=keeps_graph,
            rare_length=rare_length(row),
        ),
    )
