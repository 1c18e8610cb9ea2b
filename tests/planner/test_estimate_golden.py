"""The formulas against figures that this program did not make: live peaks traced for models from 135M to 70B."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from planner.drafting import draft
from planner.facts.data import BatchShape, DataFacts
from planner.facts.machine import Device, MachineFacts
from planner.facts.model.facts import ModelFacts
from planner.ledger import DEVICE, At
from planner.plan import Plan, Stage
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques import registry
from planner.units import GIB
from tests.small_run import choose

TABLE = Path(__file__).parent.parent / "golden" / "traced_live_peaks.csv"
SHAPES: dict[str, tuple[int, ...]] = {  # vocabulary, hidden, intermediate, layers, heads, key-value heads, head, tied
    "smol135": (49152, 576, 1536, 30, 9, 3, 64, 1),
    "1B": (128256, 2048, 8192, 16, 32, 8, 64, 1),
    "3B": (128256, 3072, 8192, 28, 24, 8, 128, 1),
    "7B": (32000, 4096, 11008, 32, 32, 32, 128, 0),
    "8B": (128256, 4096, 14336, 32, 32, 8, 128, 0),
    "70B": (128256, 8192, 28672, 80, 64, 8, 128, 0),
}


def rows() -> list[dict[str, str]]:
    lines = [x for x in TABLE.read_text(encoding="utf-8").splitlines() if not x.startswith("#")]
    return list(csv.DictReader(lines))


def shape(name: str) -> ModelFacts:
    vocabulary, hidden, intermediate, layers, heads, kv_heads, head, tied = SHAPES[name]
    return ModelFacts(
        name, "catalogue", "LlamaForCausalLM", "dense_gated_decoder", vocabulary, hidden, intermediate, layers, heads,
        kv_heads, head, bool(tied),
    )  # fmt: skip


def plan_of(row: dict[str, str]) -> Plan:
    card = Device("cuda:0", "cuda", "a card", 192 * GIB, 192 * GIB)
    machine = MachineFacts("m", "Linux", "cpu", 8, 64 * GIB, 64 * GIB, 0, 1000 * GIB, (card,))
    stage = Stage(
        tuple(registry.default_choice(slot) for slot in registry.slots()),
        Schedule(micro_batch=int(row["rows"]), max_length=int(row["seq"])),
    )
    targets: dict[str, Any] = {"target_modules": ("q_proj", "v_proj")} if row["targets"] == "qv" else {}
    rank = int(row["rank"])
    for choice in (
        choose(Slot.TRAINABLE, "lora", rank=rank, **targets) if rank else choose(Slot.TRAINABLE, "full"),
        choose(Slot.ACTIVATION, "checkpointing" if int(row["checkpointing"]) else "keep_all"),
        choose(Slot.ATTENTION, row["attention"]),
        choose(Slot.LOSS, "full_logits"),
        choose(Slot.OPTIMIZER, "adamw", implementation="foreach"),
        choose(Slot.PLACEMENT, "one_device", device="cuda:0"),
    ):
        stage = stage.with_choice(choice)
    return Plan("traced", shape(row["model"]), DataFacts("d", "", "messages", 100, 0, ""), machine, (stage,))


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['model']}-{row['rows']}x{row['seq']}-r{row['rank']}")
def test_the_live_peak_is_the_traced_one(row: dict[str, str]) -> None:
    batch = BatchShape(int(row["rows"]), int(row["seq"]), padded=row["padded"] == "1")
    plan = plan_of(row)
    totals: dict[At, int] = {}
    for line in draft(plan, 0, batch).lines:
        if line.place == DEVICE and line.slot is not Slot.PLACEMENT:  # a trace sees no workspaces of cuBLAS
            for at in line.alive:
                totals[at] = totals.get(at, 0) + line.bytes
    at = max(totals, key=lambda at: totals[at])
    traced = float(row["traced_gib"]) * GIB - 2 * plan.model.vocab_size * batch.tokens
    assert at.moment == row["peak_moment"]
    assert totals[at] == pytest.approx(traced, rel=0.0003)
