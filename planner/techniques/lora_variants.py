"""In which other ways LoRA can be set: for advice, where what each gives up is said, for exploring, and what it learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from planner.facts.model.facts import ModelFacts
from planner.facts.model.shapes import matmuls_of
from planner.plan import Plan
from planner.slots import Slot
from planner.techniques.technique import Spread, Variant
from planner.techniques.weights_fp32 import WeightsFp32

RANKS = (8, 16, 64)  # that exploring tries, beside the plan's own
ALL = ("all-linear",)
LOWEST_RANK = 4  # that advice goes down to

PAPERS_TARGETS = ("q_proj", "v_proj")  # what the paper adapts
ATTENTION = frozenset(
    {"q_proj", "k_proj", "v_proj", "o_proj", "out_proj", "qkv_proj", "query_key_value", "c_attn", "dense"}
)
"""Last parts of the paths of an attention's matmuls, over all families."""
MLPS = (
    {"gate_proj", "up_proj", "down_proj"},
    {"gate_up_proj", "down_proj"},
    {"fc1", "fc2"},
    {"dense_h_to_4h", "dense_4h_to_h"},
)
"""Those of all of an MLP."""

MEASURED = "measured with the embedded model on a CPU, bfloat16 weights, 768 tokens a step"


def lora_variants(options: Any) -> Iterator[Variant]:
    """options: LoraOptions. One change each."""
    if options.adapter_dtype == "float32":
        yield Variant(
            replace(options, adapter_dtype="same as weights"),
            "Adapter in the weights' type instead of float32",
            loses="digits of the adapter and of its updates",
            severity=1,
            time=0.75,
            source=MEASURED,
            short="adapter in the weights' type",
        )
    else:
        yield Variant(
            replace(options, adapter_dtype="float32"),
            "Adapter in float32 instead of the weights' type",
            severity=-1,
            time=1 / 0.75,
            source=MEASURED,
            short="float32 adapter",
        )
    if set(PAPERS_TARGETS) < set(options.target_modules) or options.target_modules == ALL:
        yield Variant(
            replace(options, target_modules=PAPERS_TARGETS),
            f"Adapters on {' and '.join(PAPERS_TARGETS)} only",
            loses="the adapters of the other matmuls",
            severity=2,
            time=0.7,
            source=f"{MEASURED}, two targets against seven",
            short=f"{' and '.join(PAPERS_TARGETS)} only",
        )
    if options.target_modules != ALL:
        yield Variant(
            replace(options, target_modules=ALL),
            f"Adapters on every matmul instead of {', '.join(options.target_modules)}",
            severity=-1,
            time=1 / 0.7 if options.target_modules == PAPERS_TARGETS else 1.0,
            source=f"{MEASURED}, seven targets against two" if options.target_modules == PAPERS_TARGETS else "",
            short="every matmul",
        )
    yield from _ranks(options)


def _ranks(options: Any) -> Iterator[Variant]:
    """Half as wide, and half of that, down to the least worth it; twice as wide, and so on, up to what exploring tries.

    alpha in the same proportion, so that the output is scaled as before."""
    half, lowest = options.rank // 2, min(LOWEST_RANK, options.rank // 2)
    while half >= max(1, lowest):
        yield Variant(
            replace(options, rank=half, alpha=max(1, options.alpha * half // options.rank)),
            f"Rank {half} instead of {options.rank}",
            loses=f"{_share(half, options.rank)} the width of what is learned",
            severity=2,
            short=f"rank {half}",
        )
        half //= 2
    twice = options.rank * 2
    while twice <= max(RANKS[-1], options.rank * 2):
        yield Variant(
            replace(options, rank=twice, alpha=options.alpha * twice // options.rank),
            f"Rank {twice} instead of {options.rank}",
            severity=-1,
            time=1.1,
            source=f"{MEASURED}, rank 16 against 8; no more was measured",
            short=f"rank {twice}",
        )
        twice *= 2


def _share(left: int, of: int) -> str:
    return "half" if left == of // 2 else f"{100 - 100 * left / of:.0f} % of"


def lora_spread(plan: Plan, options: Any) -> Iterator[Spread]:
    """options: LoraOptions. Which matmuls × which type × rank, alpha in the same proportion to it.

    There is one type only beside float32 weights, and beside quantised ones, where TRL makes the adapter bfloat16
    whatever was asked for.
    """
    weights = plan.stage.choice(Slot.WEIGHTS)
    only = ""
    if weights is not None and hasattr(weights.options, "packing"):
        only = "bfloat16"
    elif weights is not None and weights.technique == WeightsFp32.name:
        only = "float32"
    types = (options.adapter_dtype,) if only else ("float32", "same as weights")
    ranks = sorted({*RANKS, options.rank})
    for targets in dict.fromkeys((options.target_modules, ALL, *_groups(plan.model))):
        for dtype in types:
            facets = (("Targets", ", ".join(targets)), ("Adapter type", only or dtype))
            of_rank = (
                (
                    rank,
                    replace(
                        options,
                        rank=rank,
                        alpha=max(1, options.alpha * rank // options.rank),
                        target_modules=targets,
                        adapter_dtype=dtype,
                    ),
                )
                for rank in ranks
            )
            yield Spread(facets, tuple(of_rank))


def _groups(model: ModelFacts) -> Iterator[tuple[str, ...]]:
    """The paper's two, all of attention, and all of the rest, by the ends of their paths; those that the model has."""
    places = [place.split(".") for place in matmuls_of(model).values()]
    ends = [place[-1] for place in places]
    if set(PAPERS_TARGETS) <= set(ends):
        yield PAPERS_TARGETS
    of_attention = [any("att" in part for part in place) for place in places]
    for wanted in (True, False):
        group = tuple(end for end, inside in zip(ends, of_attention, strict=True) if inside is wanted)
        if group and len(set(ends)) == len(ends):
            yield group


def lora_learns(options: Any) -> str:
    """options: LoraOptions. The word in `assets/quality.json`: rank counts only where every matmul has an adapter."""
    targets = {target.rsplit(".", 1)[-1] for target in options.target_modules}
    if targets <= ATTENTION:
        return "attention_only"
    every = options.target_modules == ALL
    if not every and not any(mlp <= targets for mlp in MLPS):
        return "not_compared"
    if not every and not targets & ATTENTION:
        return "every_matmul"
    return "every_matmul_256" if options.rank >= 256 else "every_matmul_64" if options.rank >= 64 else "every_matmul"
