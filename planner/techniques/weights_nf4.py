"""Weights in four bits, as QLoRA has them: each matrix of the blocks as codes, with a scale for each 64 values.

Follows transformers' integration of bitsandbytes (quantizers/quantizer_bnb_4bit.py, integrations/bitsandbytes.py, 5.23)
and its layout (bitsandbytes/functional.py, quantize_4bit, 0.50). Embeddings, norms, biases, the head, and the experts of
a mixture stay bfloat16, and so does what flows between blocks: TRL does not call PEFT's prepare_model_for_kbit_training,
which would widen them to float32. A code has no gradient, so something has to be trained beside it. Never run on a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from planner.draft import Draft, Stack, Tensor
from planner.options import option
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import Cost, ScriptPart, Spread, Variant
from planner.techniques.weights_dtype import OWN_MEMORY, computing_device, no_bf16
from planner.weights.packing import FourBits

UNPACKED_BITS = 16  # a matrix becomes bfloat16 for its product and is dropped after it


@dataclass(frozen=True)
class Nf4Options:
    quant_type: str = option(
        "nf4",
        "Codes",
        "Which sixteen values the codes stand for: nf4 spreads them as weights lie, fp4 as a four-bit float has them.",
        choices=(("nf4", "nf4"), ("fp4", "fp4")),
        advanced=True,
    )
    double_quant: bool = option(
        True,
        "Double quantisation",
        "The scales become 8-bit codes themselves: half a bit a weight instead of half a byte for every eight.",
        advanced=True,
    )

    @property
    def packing(self) -> FourBits:
        """How a matrix lies in memory: what other techniques ask whether the base is quantised."""
        return FourBits(self.quant_type, double=self.double_quant, own_table=True)


class WeightsNf4:
    slot = Slot.WEIGHTS
    name = "nf4"
    label = "4-bit (NF4)"
    short = "NF4 base"
    summary = "About half a byte a weight in the blocks, unpacked for each product. For adapters only."
    reference = "https://arxiv.org/abs/2305.14314"
    twin = "weights_nf4"
    Options = Nf4Options
    cost = Cost(
        # No factor: the one that was measured, on a CPU, is 0.84 with an adapter of half the bits; on a card it is more.
        loses="digits: each weight of the blocks becomes one of sixteen values, times a scale; and on a card time, "
        "not measured, since the weights are unpacked for each product",
        severity=2,
    )

    def learns(self, options: Nf4Options) -> str:
        return "four_bits_normal" if options.quant_type == "nf4" else "four_bits_float"

    def problems(self, plan: Plan, options: Nf4Options) -> list[Problem]:
        device = computing_device(plan)
        if device is not None and device.kind == "mps":
            fact = f"4-bit weights do not run on {device.name}: their kernels for it are fetched from the network."
            return [Problem("weights.no_four_bits", fact, "Choose bfloat16 weights, or another device.")]
        return no_bf16(plan)

    def variants(self, options: Nf4Options) -> Iterator[Variant]:
        """One change each."""
        other = replace(options, double_quant=not options.double_quant)
        title = "Scales quantised as well" if other.double_quant else "Scales in float32"
        return iter((Variant(other, title, short="double quantisation" if other.double_quant else "float32 scales"),))

    def spread(self, plan: Plan, options: Nf4Options) -> tuple[Spread, ...]:
        """Other codes need as many bytes, so they are not looked at."""
        return tuple(
            Spread(
                (("Scales", "quantised as well" if double else "in float32"),),
                ((0, replace(options, double_quant=double)),),
            )
            for double in (True, False)
        )

    def apply(self, options: Nf4Options, draft: Draft) -> Draft:
        packing = options.packing
        return draft._replace(stacks=tuple([_stored(stack, packing) for stack in draft.stacks]))

    def script(self, options: Nf4Options, plan: Plan) -> ScriptPart:
        return ScriptPart(
            imports=("from transformers import BitsAndBytesConfig",),
            load=(
                ("dtype", "torch.bfloat16"),
                (
                    "quantization_config",
                    "BitsAndBytesConfig(\n"
                    "        load_in_4bit=True,\n"
                    f'        bnb_4bit_quant_type="{options.quant_type}",\n'
                    f"        bnb_4bit_use_double_quant={options.double_quant},\n"
                    "        bnb_4bit_compute_dtype=torch.bfloat16,\n"
                    "    )",
                ),
            ),
            wrap=OWN_MEMORY,
            libraries=(("bitsandbytes", TESTED),),
        )


TESTED = "0.50.2"


@lru_cache(maxsize=512)
def _stored(stack: Stack, packing: FourBits) -> Stack:
    return replace(stack, tensors=tuple([_as_loaded(x, packing) for x in stack.tensors]))


def _as_loaded(x: Tensor, packing: FourBits) -> Tensor:
    """transformers replaces every Linear and Conv1D but the head; experts are parameters of three dimensions."""
    if x.role == "buffer":
        return x
    if x.role == "linear" and len(x.shape) == 2:
        return replace(x, bits=UNPACKED_BITS, packing=packing)
    return x if x.bits == UNPACKED_BITS else replace(x, bits=UNPACKED_BITS)
