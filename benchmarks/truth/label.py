"""What a prediction must never see: whose row it is, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Stack:
    torch: str | None
    transformers: str | None
    peft: str | None
    bitsandbytes: str | None
    flash_attn: str | None
    cuda: str | None
    other: str | None


@dataclass(frozen=True)
class Label:
    """Names and judgements about the row. bound: how the measured figure is to be read, see `Measured`."""

    id: str
    source: str
    group: str
    confidence: Literal["high", "medium", "low", "unverified"]
    scored: bool
    scored_by_rule: bool
    not_scored_because: tuple[
        Literal["no_peak", "confidence", "several_gpus", "task", "bound", "suspect_label", "duplicate_of_dev_row"], ...
    ]
    near_duplicate_of: str | None
    model: str | None
    trainable_params_source: Literal["published", "computed"] | None
    bound: Literal["equal", "at_least", "at_most", "oom_on_bytes"]
    stack: Stack
    notes: str

    @property
    def repository(self) -> str:
        """The source a row is counted under: a repository, package or page, whichever of its files the row is from.

        `source` begins with it (after the word PyPI for a package); a thread's number is no part of it.
        """
        words = self.source.split()
        name = words[1] if words[:1] == ["PyPI"] and len(words) > 1 else (words or ["?"])[0]
        return name.split("#")[0]


@dataclass(frozen=True)
class PhasePeaks:
    forward_bytes: int
    backward_bytes: int
    optimizer_bytes: int


@dataclass(frozen=True)
class MoreMetrics:
    allocated_bytes: int | None
    active_bytes: int | None
    reserved_bytes: int | None
    process_bytes: int | None
    context_bytes: int | None
    after_load_bytes: int | None
    optimizer_state_bytes: int | None
    gradient_bytes: int | None
    quantised_weight_bytes: int | None
    quant_scale_bytes: int | None
    float32_weight_bytes: int | None
    half_weight_bytes: int | None
    after_step_allocated_mean_bytes: int | None
    after_step_reserved_mean_bytes: int | None
    after_step_reserved_p99_bytes: int | None
    train_total_tokens: int | None


@dataclass(frozen=True)
class Measured:
    """What was read. A file without answers may leave these out, or give null."""

    peak_bytes: int | None = None
    peak_bytes_alt: int | None = None
    bound_bytes: int | None = None
    phase_peaks: PhasePeaks | None = None
    more_metrics: MoreMetrics | None = None
