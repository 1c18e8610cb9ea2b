"""LoRA: the weights stay frozen; beside chosen matmuls two small matrices A (d_in × r) and B (r × d_out) are trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from planner.adapters.adapted import adapted
from planner.adapters.lora import Lora
from planner.draft import Draft, Stack
from planner.facts.model.adapter import LORA, AdapterFacts
from planner.facts.model.facts import ModelFacts
from planner.facts.model.shapes import matmuls_of
from planner.options import option
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.lora_variants import lora_learns, lora_spread, lora_variants
from planner.techniques.technique import Cost, ScriptPart, Spread, Variant

ALL_LINEAR = "all-linear"  # PEFT's own word for every linear layer but the head


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
        (ALL_LINEAR,),
        "Targets",
        "The matmuls of the blocks that get an adapter: all-linear, or those named as in the model: q_proj, v_proj, …",
        advanced=True,
    )
    adapter_dtype: str = option(
        "float32",
        "Adapter type",
        "What the adapter is stored and computed in. PEFT's default is float32, even beside bfloat16 weights; beside"
        " quantised ones TRL makes it bfloat16.",
        choices=(("float32", "float32"), ("same as weights", "same as weights")),
        advanced=True,
    )


class TrainableLora:
    slot = Slot.TRAINABLE
    name = "lora"
    label = "LoRA"
    short = "LoRA"
    summary = "The weights stay frozen; small matrices beside them are trained."
    reference = "https://arxiv.org/abs/2106.09685"
    twin = "trainable_lora"
    Options = LoraOptions
    cost = Cost(loses="only small matrices beside the weights learn, not the weights", severity=2)

    def learns(self, options: LoraOptions) -> str:
        return lora_learns(options)

    def problems(self, plan: Plan, options: LoraOptions) -> list[Problem]:
        return list(_target_problems(plan.model, options.target_modules))

    def variants(self, options: LoraOptions) -> tuple[Variant, ...]:
        return tuple(lora_variants(options))

    def spread(self, plan: Plan, options: LoraOptions) -> tuple[Spread, ...]:
        return tuple(lora_spread(plan, options))

    def apply(self, options: LoraOptions, draft: Draft) -> Draft:
        return draft._replace(stacks=tuple([_adapted(stack, options) for stack in draft.stacks]))

    def of_adapter(self, adapter: AdapterFacts) -> LoraOptions | None:
        """The settings of an adapter that was trained elsewhere, within the bounds of the options; None for other kinds."""
        if adapter.kind != LORA:
            return None
        rank, alpha = min(adapter.rank, 4096), min(max(1, round(adapter.alpha)), 65536)
        return LoraOptions(rank, alpha, min(adapter.dropout, 0.95), adapter.targets)

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
                f"        target_modules={_as_peft_reads(options.target_modules)},",
                '        bias="none",',
                '        task_type="CAUSAL_LM",',
                "    ),",
                f"    autocast_adapter_dtype={options.adapter_dtype == 'float32'},",
                ")",
            ),
        )


def _as_peft_reads(targets: tuple[str, ...]) -> str:
    """As a literal: PEFT takes its word for all of them as a text, names as a list."""
    return '"all-linear"' if targets == (ALL_LINEAR,) else repr(list(targets))


@lru_cache(maxsize=1024)
def _adapted(stack: Stack, options: LoraOptions) -> Stack:
    quantised = any(x.packing is not None for x in stack.tensors)  # TRL then makes every adapter bfloat16
    bits = 32 if options.adapter_dtype == "float32" and not quantised else stack.tensors[0].bits
    places = matmuls_of(stack.facts)
    wanted = tuple(site for site, place in places.items() if any(_means(t, place) for t in options.target_modules))
    return adapted(stack, Lora(options.rank, bits, options.dropout), wanted)


def _means(target: str, place: str) -> bool:
    """Whether a target is the matmul at this place: the end of its path is enough, as for PEFT."""
    return target == ALL_LINEAR or f".{place}".endswith(f".{target}")


@lru_cache(maxsize=1024)
def _target_problems(model: ModelFacts, targets: tuple[str, ...]) -> tuple[Problem, ...]:
    """What is wrong with the targets; of a model whose matmuls are not known, only what no model would take."""
    if not targets:
        return (Problem("lora.unknown_target", "LoRA has no target.", f"Choose {ALL_LINEAR}, or name some matmuls."),)
    if len(set(targets)) != len(targets):
        return (Problem("lora.target_twice", "A target of LoRA is named twice.", "Name each target once."),)
    if ALL_LINEAR in targets and len(targets) > 1:
        fact = f"{ALL_LINEAR} stands beside names of single matmuls."
        return (Problem("lora.target_twice", fact, f"Give {ALL_LINEAR} alone, or the names alone."),)
    places = matmuls_of(model).values()
    unknown = [t for t in targets if not any(_means(t, place) for place in places)]
    if not unknown or not places:
        return ()
    return (
        Problem(
            "lora.unknown_target",
            f"{model.name} has no matmul called {', '.join(map(repr, unknown))}.",
            f"Choose {ALL_LINEAR}, or from: {', '.join(_short(place, places) for place in places)}.",
        ),
    )


def _short(place: str, places: Iterable[str]) -> str:
    """The last part of a path, or as many as set it apart from the others."""
    parts = place.split(".")
    for n in range(1, len(parts)):
        name = ".".join(parts[-n:])
        if sum(_means(name, other) for other in places) == 1:
            return name
    return place
