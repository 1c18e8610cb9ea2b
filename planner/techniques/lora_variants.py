"""In which other ways LoRA can be set, for advice: what each saves is estimated, what each gives up is said here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from planner.techniques.technique import Variant

PAPERS_TARGETS = ("q_proj", "v_proj")  # what the paper adapts
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
