"""Writes `assets/trust.json`: every scored published row with what was predicted of it and what was measured.

The trust page draws it. Nothing is rounded or chosen here: the rows are those that the benchmark scores, in its order,
and the figures are its own. `python -m benchmarks.truth.trust ROWS.jsonl`
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.truth.answer import Predicted
from benchmarks.truth.draft_of import predict
from benchmarks.truth.label import Label
from benchmarks.truth.readings import predicted_reading, published_readings
from benchmarks.truth.row import Row
from benchmarks.truth.rows import read_file
from benchmarks.truth.run import run
from benchmarks.truth.score import Answered, scored
from planner.assets import asset

ABOUT = (
    "Published runs: bytes predicted (low, expected, high) beside bytes measured, of the counter `metric`. parts: "
    "predicted bytes by what they are, which add up to expected. readings: further counters of the same run, predicted "
    "and measured. Written by python -m benchmarks.truth.trust."
)
FIELDS = ("id", "source", "model", "card", "techniques", "metric", "low", "expected", "high", "measured", "parts", "readings")  # fmt: skip
READINGS = (
    "allocated_bytes", "reserved_bytes", "process_bytes", "after_load_bytes", "optimizer_state_bytes", "gradient_bytes",
)  # fmt: skip
TASKS = {"infer": "generation", "load": "loading alone"}
LABELS = {
    "full": "all weights", "lora": "LoRA", "dora": "DoRA", "ia3": "IA³", "vera": "VeRA", "prefix": "prefix tuning",
    "prompt": "prompt tuning", "llama_adapter": "LLaMA-Adapter", "llama_adapter_v2": "LLaMA-Adapter V2", "oft": "OFT",
    "boft": "BOFT", "loha": "LoHa", "lokr": "LoKr", "fourierft": "FourierFT", "ln_tuning": "norms alone",
    "adaption_prompt": "adaption prompt", "gptq4": "4-bit (GPTQ)", "gptq8": "8-bit (GPTQ)", "awq4": "4-bit (AWQ)",
    "nf4": "4-bit (NF4)", "fp4": "4-bit (FP4)", "int8_weight_only": "int8", "zero2": "ZeRO-2", "zero3": "ZeRO-3",
}  # fmt: skip


def techniques(row: Row) -> list[str]:
    """What of the run a person may look for, most telling first: what is trained, how weights lie, what is kept."""
    found = [TASKS.get(row.task, row.trainable)]
    if row.weights is not None:
        found.append(row.weights.storage)
    if row.task == "train" and row.checkpointing == "full":
        found.append("gradient checkpointing")
    if row.sharding.kind != "none":
        found.append(row.sharding.kind)
    return [LABELS.get(word, word) for word in found]


def public_name(label: Label) -> str:
    """The repository, package or page; where our notes retell a run, the repository that they name."""
    named = re.search(r"\(([\w.-]+/[\w.-]+)", label.source) if label.repository.endswith(".md") else None
    return named[1] if named else label.repository


def entry(one: Answered) -> list[Any]:
    """One row of the table, in the order of `FIELDS`."""
    answer, (row, label, measured) = one.answer, one.published
    assert isinstance(answer, Predicted)
    measured_of = published_readings(one)
    readings = {
        name: [predicted, measured_of[name]]
        for name in READINGS
        if name in measured_of and (predicted := predicted_reading(one, name)) is not None
    }
    return [
        label.id,
        public_name(label),
        label.model or row.model_key,
        row.gpu or "a card that is not named",
        techniques(row),
        row.metric,
        answer.low,
        answer.expected,
        answer.high,
        measured.peak_bytes,
        _parts(answer),
        readings if len(readings) > 1 else {},
    ]


def _parts(answer: Predicted) -> dict[str, int]:
    """By kind, and what stands beside the tensors where the counter sees it; the sum is the expected figure."""
    parts = {name: size for name, size in answer.parts.items() if size}
    beside = answer.expected - sum(parts.values())
    allocator = min(beside, (answer.expected_reserved or 0) - (answer.expected_allocated or 0))
    parts |= {name: size for name, size in (("allocator", allocator), ("context", beside - allocator)) if size}
    return parts


def table(answered: Iterable[Answered]) -> dict[str, Any]:
    """What the file holds: the scored rows that were measured and predicted."""
    told = [x for x in scored(answered) if x.measured and isinstance(x.answer, Predicted)]
    return {"about": ABOUT, "fields": list(FIELDS), "rows": [entry(x) for x in told]}


def rendered(found: dict[str, Any]) -> str:
    """One row a line, so that a change of one figure is a change of one line."""
    rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in found["rows"])
    head = json.dumps({k: v for k, v in found.items() if k != "rows"}, ensure_ascii=False, indent=1)
    return f'{head[:-2]},\n "rows": [\n{rows}\n ]\n}}\n'


def write(answered: Iterable[Answered]) -> None:
    asset("trust.json").write_text(rendered(table(answered)), encoding="utf-8")


def main() -> None:
    write(run(read_file(Path(sys.argv[1])).rows, predict).answered)


if __name__ == "__main__":
    main()
