"""What a step takes of a device, whatever device it is: products, bytes written and read, operations started.

Products follow the tensors: forward one for each matrix, backward one for what goes in and one more for a matrix that is
trained (a frozen one needs no gradient of its own), and forward once more where a block is made again. What lies between
products is written byte by byte, as the tape of `planner.autograd` adds it up: so casts, norms, scores of eager
attention, an adapter's small products and a packed matrix's unpacking all count. Nothing here depends on the batch.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import NamedTuple

from planner.autograd.amount import Amount
from planner.autograd.block import Blocks, blocks_of_any_batch
from planner.draft import Draft, HeadWork, Stack, Tensor, Ways
from planner.stored import ADAPTERS
from planner.training.optimizers import Optimizer, trained

PRODUCTS = ("linear", "router", *ADAPTERS)
HEAD_BYTES = 18  # written for each logit where a loss did not say
UPDATE_PASSES = {"fused": 7, "foreach": 19, "for_loop": 19, "bitsandbytes": 5, "widened": 22, "deepspeed": 9}
"""How often an update reads or writes as many bytes as there are of trained elements: torch/optim/adamw.py (2.13) line by
line. fused reads gradient, weight and both means and writes the latter three, in one go."""
UPDATE_MADE = {"foreach": 1, "for_loop": 2, "widened": 4}
"""How often it makes as many anew: square roots, and of one tensor at a time the denominators as well."""
UPDATE_OPERATIONS = {"fused": 1, "foreach": 2, "for_loop": 14, "bitsandbytes": 1, "widened": 16, "deepspeed": 1}
CLIP_PASSES = 3  # a norm reads each gradient, scaling reads and writes it
PAIR_PRODUCTS = 12  # for each query entry and pair: scores and mixing, 2 each forward, twice that backward


class Effort(NamedTuple):
    """flops_16, flops_32: of products in 16 and in 32 bits, for each token. pair_flops: of attention for each pair of
    tokens. token_bytes, pair_bytes, batch_bytes: written for each token, pair and micro-batch; read_bytes: of weights,
    for each micro-batch. operations: started for each micro-batch. update_bytes, update_made_bytes, update_operations: read
    or written, made anew and started for each optimizer step. moved_bytes: to and from the computer's memory for each token. narrow: whether attention runs in 16 bits."""

    flops_16: float
    flops_32: float
    pair_flops: float
    token_bytes: float
    pair_bytes: float
    batch_bytes: float
    read_bytes: float
    operations: float
    update_bytes: float
    update_made_bytes: float
    update_operations: float
    moved_bytes: float
    narrow: bool


def effort_of(draft: Draft) -> Effort:
    """draft: with all its techniques applied; its batch is not looked at."""
    return _effort(draft.stacks, _timed_ways(draft), draft.head_work, draft.update, draft.schedule.max_grad_norm > 0)


def _timed_ways(draft: Draft) -> Ways:
    ways = draft.ways
    if ways.mask_bits < 8:  # without padding a mask is left out; what it costs is not worth two answers
        ways = ways._replace(mask_bits=8)
    return ways


def forward_share(draft: Draft) -> float:
    """Of what a step takes of a device but for its update, the part that one forward pass is: its products among all, a
    half where weights are frozen, a third where they are trained, less where blocks are made again."""
    body, head = _body(draft.stacks, _timed_ways(draft)), draft.head_work or HeadWork()
    of_head = 2 * body.head_elements
    every = body.flops_16 + body.flops_32 + of_head * (head.products + 1 + body.head_trained)
    return (body.forward_flops + of_head) / every if every else 0.0


@lru_cache(maxsize=8192)
def _effort(
    stacks: tuple[Stack, ...], ways: Ways, head: HeadWork | None, update: Optimizer | None, clips: bool
) -> Effort:
    head = head or HeadWork(written_bytes=HEAD_BYTES)
    body = _body(stacks, ways)
    flops = {16: body.flops_16, 32: body.flops_32}
    flops[body.head_bits] += 2 * body.head_elements * head.products
    flops[32 if head.wide_backward else body.head_bits] += 2 * body.head_elements * (1 + body.head_trained)
    implementation = update.implementation if update else "fused"
    passes = UPDATE_PASSES.get(implementation, UPDATE_PASSES["fused"]) + (CLIP_PASSES if clips else 0)
    changed_bytes, changed = _changed(stacks)
    return Effort(
        flops_16=flops[16],
        flops_32=flops[32],
        pair_flops=body.pair_flops,
        token_bytes=body.made[2] + stacks[0].facts.vocab_size * head.written_bytes,
        pair_bytes=body.made[3],
        batch_bytes=body.made[0],
        read_bytes=body.read_bytes + body.head_elements * body.head_bits / 8 * (head.products + 1),
        operations=body.operations,
        update_bytes=passes * changed_bytes,
        update_made_bytes=UPDATE_MADE.get(implementation, 0) * changed_bytes,
        update_operations=changed * UPDATE_OPERATIONS.get(implementation, 1) + (2 * changed if clips else 0),
        moved_bytes=body.moved_bytes,
        narrow=ways.flow_bits == 16 or ways.autocast,
    )


class _Body(NamedTuple):
    """The part of an effort that neither loss nor optimizer has to do with, and the head's own sizes."""

    flops_16: float
    flops_32: float
    pair_flops: float
    read_bytes: float
    made: Amount
    operations: int
    moved_bytes: float
    head_elements: int
    head_bits: int
    head_trained: bool
    forward_flops: float


@lru_cache(maxsize=4096)
def _body(stacks: tuple[Stack, ...], ways: Ways) -> _Body:
    blocks = blocks_of_any_batch(stacks, ways)
    flops, read, times = {16: 0.0, 32: 0.0}, 0.0, 2 + ways.recompute
    forward = 0.0
    for stack in stacks:
        for x in stack.tensors:
            if x.role in PRODUCTS and len(x.shape) > 1:
                bits = _bits(x, ways)
                flops[bits] += 2 * _read_by_a_token(x, stack) * (times + x.trained)
                forward += 2 * _read_by_a_token(x, stack)
                read += times * x.elements * bits / 8
    head = next((x for x in stacks[-1].tensors if x.role == "head" and len(x.shape) > 1), None)
    return _Body(
        flops[16],
        flops[32],
        sum((PAIR_PRODUCTS + 4 * ways.recompute) * s.facts.q_dim * s.layers for s in stacks),
        read,
        blocks.made,
        blocks.operations,
        _moved(blocks, ways, stacks[0].facts.hidden_size),
        head.elements if head else 0,
        _bits(head, ways) if head else 32,
        bool(head and head.trained),
        forward,
    )


@lru_cache(maxsize=1024)
def _changed(stacks: tuple[Stack, ...]) -> tuple[int, int]:
    """Bytes of what an update changes, and of how many tensors."""
    changed = list(trained(stacks))
    return sum(x.bytes for x in changed), sum(x.count for x in changed)


def _bits(x: Tensor, ways: Ways) -> int:
    """What a matrix is multiplied in."""
    if ways.autocast or x.packing is not None:
        return ways.compute_bits
    return 16 if x.bits == 16 else 32


def _read_by_a_token(x: Tensor, stack: Stack) -> float:
    """Elements of all layers' matrices that one token is multiplied with: of experts only those that it is sent to."""
    facts = stack.facts
    if len(x.shape) > 2 and facts.n_experts and x.shape[0] == facts.n_experts:
        return x.count * prod(x.shape[1:]) * max(1, facts.experts_per_token)
    return x.elements


def _moved(blocks: Blocks, ways: Ways, hidden: int) -> float:
    """Bytes for each token that go to the computer's memory and come back: each block's input, where it is offloaded."""
    return 2.0 * blocks.layers * hidden * ways.flow_bits / 8 if ways.loop.offloaded else 0.0
