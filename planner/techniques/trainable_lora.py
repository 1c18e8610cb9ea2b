"""LoRA: the weights stay frozen; beside chosen matmuls two small matrices A (d_in × r) and B (r × d_out) are trained."""

from __future__ import annotations

from dataclasses import dataclass

from planner.adapters.adapted import adapted
from planner.adapters.lora import Lora
from planner.draft import Draft, Stack
from planner.options import option
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.lora_variants import lora_variants
from planner.techniques.technique import Cost, ScriptPart, Variant

ALL_LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class LoraOptions:
    rank: int = option(
        8, "Rank", "Width of the small matrices: more can be learned, more is stored.", minimum=1, maximum=4096
    )
    alpha: int = option(16, "Alpha", "The adapter's output is scaled by alpha ÷ rank.", minimum=1, maximum=65536)
    dropout: float = option(
        0.0, "Dropout", "Share of the adapter's input set to zero while training.", minimum=0.0, maximum=0.95
    )
    target_modules: tuple[str, ...] = option(
        ALL_LINEARS, "Targets", "The matmuls that get an adapter, by name: q_proj, v_proj, …", advanced=True
    )
    adapter_dtype: str = option(
        "float32",
        "Adapter type",
        "What the adapter is stored and computed in. PEFT's default is float32, even beside bfloat16 weights.",
        choices=(("float32", "float32"), ("same as weights", "same as weights")),
        advanced=True,
    )


class TrainableLora:
    slot = Slot.TRAINABLE
    name = "lora"
    label = "LoRA"
    summary = "The weights stay frozen; small matrices beside them are trained."
    reference = "https://arxiv.org/abs/2106.09685"
    twin = "trainable_lora"
    Options = LoraOptions
    cost = Cost(loses="only small matrices beside the weights learn, not the weights", severity=2)

    def problems(self, plan: Plan, options: LoraOptions) -> list[Problem]:
        unknown = [t for t in options.target_modules if t not in ALL_LINEARS]
        if unknown or not options.target_modules:
            return [
                Problem(
                    "lora.unknown_target",
                    f"{plan.model.name} has no matmul called {', '.join(map(repr, unknown))}."
                    if unknown
                    else "LoRA has no target.",
                    f"Choose from: {', '.join(ALL_LINEARS)}.",
                )
            ]
        if len(set(options.target_modules)) != len(options.target_modules):
            return [Problem("lora.target_twice", "A target of LoRA is named twice.", "Name each target once.")]
        return []

    def variants(self, options: LoraOptions) -> tuple[Variant, ...]:
        return tuple(lora_variants(options))

    def apply(self, options: LoraOptions, draft: Draft) -> Draft:
        return draft._replace(stacks=tuple(_adapted(stack, options) for stack in draft.stacks))

    def script(self, options: LoraOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(
            imports=("from peft import LoraConfig, get_peft_model",),
            wrap=(
                "model = get_peft_model(",
                "    model,",
                "    LoraConfig(",
                f"        r={options.rank},",
                f"        lora_alpha={options.alpha},",
                f"        lora_dropout={options.dropout!r},",
                f"        target_modules={list(options.target_modules)!r},",
                '        bias="none",',
                '        task_type="CAUSAL_LM",',
                "    ),",
                f"    autocast_adapter_dtype={options.adapter_dtype == 'float32'},",
                ")",
            ),
        )


def _adapted(stack: Stack, options: LoraOptions) -> Stack:
    bits = 32 if options.adapter_dtype == "float32" else stack.tensors[0].bits
    return adapted(stack, Lora(options.rank, bits, options.dropout), options.target_modules)
