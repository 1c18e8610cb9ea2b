"""What an evaluation between steps needs is planned to within the tolerance of every other moment: real ones, counted."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

from backends.counted import compare, count, table
from planner.estimate import estimate
from planner.facts.data import DataFacts
from planner.facts.split import held_out, trained_on
from planner.plan import Choice, Plan
from planner.slots import Slot
from tests.backends.test_counted_truth import counted_plan
from tests.small_run import choose
from tests.tiny_model import make_tiny_model

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

STEPS, LENGTH, LONGEST = 2, 40, 56
LORA, FULL = choose(Slot.TRAINABLE, "lora", dropout=0.1), choose(Slot.TRAINABLE, "full")


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("evaluated"), n_layers=3)


def evaluated_plan(
    model: Path, *choices: Choice, rows: int = 3, of_evaluation: int = 5, padded: bool = True
) -> tuple[Plan, list[dict[str, Any]]]:
    """Every batch of training is as long as the longest, every one of the evaluation likewise, and longer."""
    plan, _ = counted_plan(
        model, *choices, rows=rows, max_length=LONGEST, max_steps=STEPS, eval_fraction=0.625, eval_batch=of_evaluation
    )
    schedule, n = plan.stage.schedule, 2 * rows * STEPS + 2 * of_evaluation - rows * STEPS
    lengths = [0] * n
    for numbers, longest, size in (
        (trained_on(n, schedule), LENGTH, rows),
        (held_out(n, schedule), LONGEST, of_evaluation),
    ):
        for place, number in enumerate(numbers):
            lengths[number] = longest - (7 if padded and place % size else 0)
    draw = random.Random(0)
    data = [{"input_ids": [draw.randrange(3, 400) for _ in range(length)]} for length in lengths]
    facts = DataFacts("drawn", "", "messages", n, 0, "drawn", tuple(lengths), "counted")
    return replace(plan, data=facts), data


def assert_evaluated_as_planned(plan: Plan, data: list[dict[str, Any]]) -> None:
    compared = [row for row in compare(estimate(plan), count(plan, data)) if row.at.phase == "evaluate"]
    text = "\n".join(table(iter(compared)))
    assert {row.at.moment for row in compared} == {"forward_end", "loss"}
    for row in compared:
        if row.what == "Batch":
            continue  # after the last step no next batch of training is there
        assert row.close, f"{row.at.moment}: {row.what or 'all'}\n{text}"


@pytest.mark.parametrize("loss", ["full_logits", "fused_tiles"])
@pytest.mark.parametrize("trainable", [LORA, FULL], ids=["lora", "full"])
def test_an_evaluation_needs_what_is_planned(trainable: Choice, loss: str, small_model: Path) -> None:
    assert_evaluated_as_planned(*evaluated_plan(small_model, trainable, choose(Slot.LOSS, loss)))


@pytest.mark.parametrize(
    ("choices", "padded"),
    [
        ((choose(Slot.ATTENTION, "eager"), FULL), True),
        ((choose(Slot.ACTIVATION, "checkpointing"), LORA, choose(Slot.WEIGHTS, "fp32")), True),
        ((LORA,), False),
    ],
    ids=["eager", "checkpointing", "even"],
)
def test_an_evaluation_keeps_nothing_whatever_training_keeps(
    choices: tuple[Choice, ...], padded: bool, small_model: Path
) -> None:
    assert_evaluated_as_planned(*evaluated_plan(small_model, *choices, padded=padded))
