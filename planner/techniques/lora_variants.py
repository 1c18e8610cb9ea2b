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

RANKS = (8, 16, 64)  # that exploring tries, beside the plan's own
ALL = ("all-linear",)

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
        )
    else:
        yield Variant(
            replace(options, adapter_dtype="float32"),
            "Adapter in float32 instead of the weights' type",
            severity=-1,
            time=1 / 0.75,
            source=MEASURED,
        )
    if set(PAPERS_TARGETS) < set(options.target_modules) or options.target_modules == ("all-linear",):
        yield Variant(
            replace(options, target_modules=PAPERS_TARGETS),
            f"Adapters on {' and '.join(PAPERS_TARGETS)} only",
            loses="the adapters of the other matmuls",
            severity=2,
            time=0.7,
            source=f"{MEASURED}, two targets against seven",
        )
    if options.rank > 1:
        yield Variant(
            replace(options, rank=options.rank // 2, alpha=max(1, options.alpha // 2)),
            f"Rank {options.rank // 2} instead of {options.rank}",
            loses="half the width of what is learned",
            severity=2,
        )
    yield Variant(
        replace(options, rank=options.rank * 2, alpha=options.alpha * 2),
        f"Rank {options.rank * 2} instead of {options.rank}",
        severity=-1,
        time=1.1,
        source=f"{MEASURED}, rank 16 against 8",
    )


def lora_spread(plan: Plan, options: Any) -> Iterator[Spread]:
    """options: LoraOptions. Which matmuls × which type × rank, alpha in the same proportion to it.

    Beside quantised weights TRL makes the adapter bfloat16 whatever was asked for, so there is one type only.
    """
    weights = plan.stage.choice(Slot.WEIGHTS)
    quantised = weights is not None and hasattr(weights.options, "packing")
    types = (options.adapter_dtype,) if quantised else ("float32", "same as weights")
    ranks = sorted({*RANKS, options.rank})
    for targets in dict.fromkeys((options.target_modules, ALL, *_groups(plan.model))):
        for dtype in types:
            facets = (("Targets", ", ".join(targets)), ("Adapter type", "bfloat16" if quantised else dtype))
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
