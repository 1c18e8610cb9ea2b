"""An evaluation between two steps: what stays, what a forward pass without a way back takes, and logits that are kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers.trainer_pt_utils import EvalLoopContainer

from planner.draft import Draft
from planner.ledger import Kind, Line
from planner.training.evaluation import evaluation_lines, instants
from planner.training.loss_lines import loss_lines
from planner.training.losses import WholeLogits
from planner.training.optimizers import ADAMW, optimizer_lines
from planner.training.step_lines import fine_tune_lines
from tests.live_bytes import LiveBytes
from tests.planner.training.small import ELEMENTS, draft, of_kind

LOGITS = 4096 * 2 * 128 * 2  # vocabulary × tokens × bytes


def training(of: Draft) -> tuple[Line, ...]:
    return (*fine_tune_lines(of), *loss_lines(of, WholeLogits()), *optimizer_lines(of, ADAMW))


def at_each(lines: tuple[Line, ...]) -> list[int]:
    return [sum(int(x.bytes) for x in lines if at in x.alive) for at in instants(0)]


@pytest.mark.parametrize("accumulation", [1, 4])
def test_weights_and_states_stay_and_gradients_do_not(accumulation: int) -> None:
    around = draft()._replace(schedule=replace(draft().schedule, grad_accumulation=accumulation))
    lines = evaluation_lines(draft(), training(around), WholeLogits())
    assert of_kind(lines, Kind.GRADIENTS) == 0
    assert of_kind(lines, Kind.STATES) == of_kind(optimizer_lines(draft(), ADAMW), Kind.STATES)
    assert sum(x.bytes for x in lines if x.what == "Weights") == 2 * ELEMENTS + 4 * 32  # and rotary frequencies


def test_without_logits_an_evaluation_needs_less_than_a_step_of_the_same_batch() -> None:
    steps = training(draft())
    full = max(sum(int(x.bytes) for x in steps if at in x.alive) for x in steps for at in x.alive)
    assert max(at_each(evaluation_lines(draft(), steps, WholeLogits()))) < full


@pytest.mark.parametrize("batches", [1, 2, 3, 5])
def test_kept_logits_are_put_together_anew_with_each_batch(batches: int) -> None:
    """Beside the Trainer's own container: the most of the last batch, and what lies there before its forward pass."""
    container = EvalLoopContainer(do_nested_concat=True)
    rows, seq, vocabulary, before = 2, 8, 16, 0
    with LiveBytes() as live:
        for _ in range(batches):
            before = live.now
            made = torch.zeros(rows, seq, vocabulary, dtype=torch.bfloat16)
            logits = made
            del made
            container.add(logits)
    one = rows * seq * vocabulary * 2
    without, kept = (at_each(evaluation_lines(draft(), (), WholeLogits(), kept_batches=n)) for n in (0, batches))
    assert (kept[0] - without[0]) // LOGITS == before // one
    assert kept[2] // LOGITS == live.most // one
