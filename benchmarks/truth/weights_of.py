"""Which storage a row's weights have, and what is computed in."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from benchmarks.truth.row import Row, Weights
from planner.draft import Packing, Stack, Tensor
from planner.problem import fail
from planner.units import BYTES_PER_ELEMENT
from planner.weights.packing import Awq, EightBits, EightBitsWeightOnly, Float8, FourBits, Gptq
from planner.weights.unused_rests import unused_bytes


def compute(row: Row) -> tuple[int, int, bool]:
    """(compute_bits, flow_bits, autocast)."""
    bits = 8 * BYTES_PER_ELEMENT.get(row.compute_dtype or "bfloat16", 2)
    return bits, 8 * BYTES_PER_ELEMENT.get(row.activation_dtype or "", bits // 8), bool(row.autocast)


def stacks(row: Row, plain: tuple[Stack, ...]) -> tuple[Stack, ...]:
    """The model's stacks as this row stores them."""
    weights = row.weights
    assert weights is not None
    if row.task == "train" and weights.storage == "fp8":  # transformers' FP8 matrices have a forward only
        raise fail("row.storage", "training on weights stored as fp8 is not computed", "Name another storage.")
    options = row.trainable_options
    targets = options.target_modules or () if options else ()
    trained, fused = row.trainable == "full", bool(row.compile)
    untied = bool(weights.head_untied_copy) and not ties_again(row)
    bits = compute(row)[0]
    return tuple(_stored(stack, weights, bits, targets, trained, fused, untied) for stack in plain)


def ties_again(row: Row) -> bool:
    """A row that says its tied head is a second copy, written by a loop that ties it again after loading.

    transformers' generation loop up to 4.44, known by logits of all prompt positions in float32, calls `tie_weights`
    at the end of loading. The published field was inferred from differences between precisions; what differs there is
    what `inference_of` counts for that loop.
    """
    return row.task == "infer" and row.logits == "all_positions_fp32"


@lru_cache(maxsize=1024)
def _stored(
    stack: Stack, weights: Weights, bits: int, targets: tuple[str, ...], trained: bool, fused: bool, untied: bool
) -> Stack:
    packing = _packing(weights, fused)
    around = weights.unquantised_dtype if packing else weights.storage
    wide = 8 * BYTES_PER_ELEMENT.get(around or "", bits // 8)

    def one(x: Tensor) -> Tensor:
        if x.role == "buffer":
            return x
        tied = x.tied and not untied
        if packing is None or not _quantised(x, weights, targets):
            return replace(x, bits=wide, trained=trained, tied=tied)
        return replace(x, bits=bits, trained=trained, tied=tied, packing=packing)

    return replace(stack, tensors=tuple(one(x) for x in stack.tensors))


def _quantised(x: Tensor, weights: Weights, targets: tuple[str, ...]) -> bool:
    if x.role == "head":
        return weights.quantised_modules == "all_linears_and_lm_head" and len(x.shape) > 1
    if weights.quantised_modules == "linears_with_lora":
        return x.role == "linear" and x.name in targets
    return x.role == "linear"


def _packing(weights: Weights, fused: bool) -> Packing | None:
    """None for a plain type. fused: torch.compile leaves nothing between the steps of unpacking."""
    block = weights.block_size
    match weights.storage:
        case "float32" | "bfloat16" | "float16":
            return None
        case "nf4" | "fp4":
            # what quantises only the matrices with an adapter is torchtune, whose NF4 is torchao's
            in_torch = weights.quantised_modules == "linears_with_lora"
            # what quantises the head too is Lightning's Fabric, which packs a float16 copy
            from_half = (
                weights.quantised_modules == "all_linears_and_lm_head" and weights.unquantised_dtype == "bfloat16"
            )
            return FourBits(weights.storage, block or 64, bool(weights.double_quant), in_torch, fused, from_half)
        case "int8":
            return EightBits()
        case "int8_weight_only":
            return EightBitsWeightOnly(group_size=block or 256)
        case "gptq4" | "gptq8":
            return Gptq(weights.storage, int(weights.storage[-1]), block or 128)
        case "awq4":
            return Awq(group_size=block or 128)
        case "fp8":
            return Float8(tile=block or 128)
    raise fail("row.storage", f"weights stored as {weights.storage} are not computed", "Name a storage.")


@lru_cache(maxsize=1024)
def readings(stacks: tuple[Stack, ...]) -> dict[str, int]:
    """What lies on the card once all is loaded, by kind, under the names of the published figures."""
    tensors = [x for stack in stacks for x in stack.tensors]
    packed = [(x, next(iter(x.packing.pieces(x.shape)))) for x in tensors if x.packing is not None]
    codes = sum(x.count * first for x, first in packed)
    plain = [x for x in tensors if x.packing is None]
    found = {
        "quantised_weight_bytes": codes,
        "quant_scale_bytes": sum(x.bytes for x, _ in packed) - codes,
        "float32_weight_bytes": sum(x.bytes for x in plain if x.bits == 32),
        "half_weight_bytes": sum(x.bytes for x in plain if x.bits == 16),
    }
    return {**found, "after_load_bytes": sum(found.values()) + unused_bytes(stacks)}
