"""What the process takes lies inside the interval that was shown before: the worker as it is really started."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

from planner.estimate import estimate
from planner.facts.read_data import rows
from planner.plan import Choice, Plan
from planner.run.events import Finished, Memory
from planner.run.start import start
from planner.slots import Slot
from tests.small_run import choose, small_plan, wait_for_end, write_run
from tests.tiny_model import make_rows

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the band was measured with Linux's RssAnon")


def counted(plan: Plan) -> Plan:
    """The plan with the tokens of its rows counted by the model's own tokenizer."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(plan.model.path)
    lengths = tuple(
        len(tokenizer.apply_chat_template(row["messages"], tokenize=True, return_dict=True)["input_ids"])
        for row in rows(plan.data.path)
    )
    return replace(plan, data=replace(plan.data, lengths=lengths, lengths_from="counted"))


def assert_inside_the_interval(plan: Plan, run_dir: Path, longest_s: float) -> None:
    write_run(run_dir, plan)
    start(run_dir)
    events = wait_for_end(run_dir, longest_s=longest_s)
    ending = events[-1]
    assert isinstance(ending, Finished), ending
    measured = max(e.peak_bytes for e in events if isinstance(e, Memory))
    (tier,) = [t for t in estimate(plan).tiers if t.place.tier == "host"]
    assert tier.low_bytes <= measured <= tier.high_bytes, (tier.low_bytes, measured, tier.high_bytes)
    assert ending.measured["predicted_bytes"] == tier.peak_bytes


def test_a_small_run_stays_inside(tiny_model_dir: Path, tmp_path: Path) -> None:
    plan = counted(small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 12), max_steps=3))
    assert_inside_the_interval(plan, tmp_path / "run", 300)


REAL: dict[str, tuple[Choice, ...]] = {
    "LoRA, bf16": (),
    "all weights, fp32, checkpointing, tiles": (
        choose(Slot.WEIGHTS, "fp32"),
        choose(Slot.TRAINABLE, "full"),
        choose(Slot.ACTIVATION, "checkpointing"),
        choose(Slot.LOSS, "fused_tiles"),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_a_run_of_the_embedded_model_stays_inside(real_model_dir: Path, tmp_path: Path, name: str) -> None:
    data = make_rows(tmp_path / "rows.jsonl", 12)
    plan = counted(small_plan(real_model_dir, data, *REAL[name], micro_batch=3, max_steps=3))
    assert_inside_the_interval(plan, tmp_path / "run", 600)
