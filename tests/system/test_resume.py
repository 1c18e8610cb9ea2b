"""A run killed three times in the middle of an epoch ends with the very bytes of one that was left alone."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

from planner.assets import asset
from planner.plan import Plan
from planner.run import lock
from planner.run.events import Finished, Started
from planner.run.journal import last_word, read_all, steps
from planner.run.lock import State
from planner.run.start import start
from planner.slots import Slot
from tests.faults import fault
from tests.small_run import choose, kill, small_plan, wait_for_end, wait_until, write_run
from tests.tiny_model import make_rows

pytest.importorskip("torch", reason="needs the [train] extra")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")

LORA = choose(Slot.TRAINABLE, "lora", dropout=0.1)
LONGEST_S = 500.0


def finished(run_dir: Path) -> Finished:
    start(run_dir)
    word = last_word(wait_for_end(run_dir, longest_s=LONGEST_S))
    assert isinstance(word, Finished), word
    return word


def killed(run_dir: Path, seed: int, times: int) -> Finished:
    """Kill at random steps, once in the second quarter of each part of the run, each time a fresh worker; then let it finish."""
    draw = random.Random(seed)
    for part in range(times):
        start(run_dir)
        total = wait_until(run_dir, lambda events: events)[0].total_steps  # type: ignore[union-attr]
        first, width = total * part // times, total // times
        at = first + draw.randint(width // 4 + 1, width // 2)  # room for the steps made until the kill arrives
        wait_until(run_dir, lambda events, at=at: any(s.step >= at for s in steps(events)))  # type: ignore[misc]
        kill(run_dir)
        assert lock.state(run_dir) is State.LOST
        assert "SIGKILL" in lock.died(run_dir).fact
    return finished(run_dir)


def assert_equal_to_the_last_byte(plan: Plan, folder: Path, seed: int, times: int = 3) -> None:
    write_run(folder / "whole", plan, sample_prompt="")
    write_run(folder / "killed", plan, sample_prompt="")
    whole, mended = finished(folder / "whole"), killed(folder / "killed", seed, times)
    events = read_all(folder / "killed").events
    sessions = [e.resumed_from for e in events if isinstance(e, Started)]
    assert len(sessions) == times + 1
    assert sessions == sorted(sessions)
    assert sessions[-1] > 0, "it never went on from a checkpoint"
    told = [
        [(s.step, s.loss_hex, s.grad_norm, s.learning_rate, s.tokens) for s in steps(read_all(folder / name).events)]
        for name in ("whole", "killed")
    ]
    assert told[0] == told[1]
    assert len({loss for _, loss, *_ in told[0]}) > len(told[0]) // 2
    assert whole.sha256 == mended.sha256
    assert whole.sha256


def in_mid_epoch(model: Path, folder: Path, *choices: Any) -> Plan:
    """43 rows in batches of 2, accumulation 2: an epoch's last step is smaller, and kills fall between its borders."""
    data = make_rows(folder / "rows.jsonl", 43)
    schedule = {"max_steps": -1, "epochs": 3, "grad_accumulation": 2, "save_steps": 3, "warmup_steps": 4}
    return small_plan(model, data, *choices, lr_scheduler="cosine", weight_decay=0.1, **schedule)


@fault(
    "The worker is killed three times",
    injected="SIGKILL at three points of a real run, resumed each time",
    seen="A lost run each time; Resume",
    lost="Nothing: the adapter equals that of an uninterrupted run to the byte",
)
@pytest.mark.usefixtures("warm_workers")
def test_three_kills_change_no_byte_of_the_adapter(tiny_model_dir: Path, tmp_path: Path) -> None:
    assert_equal_to_the_last_byte(in_mid_epoch(tiny_model_dir, tmp_path, LORA), tmp_path, seed=1)


@pytest.mark.usefixtures("warm_workers")
def test_a_kill_changes_no_byte_of_a_full_fine_tune(tiny_model_dir: Path, tmp_path: Path) -> None:
    full = (choose(Slot.TRAINABLE, "full"), choose(Slot.WEIGHTS, "fp32"), choose(Slot.LOSS, "full_logits"))
    assert_equal_to_the_last_byte(in_mid_epoch(tiny_model_dir, tmp_path, *full), tmp_path, seed=2, times=1)


@pytest.mark.slow
def test_three_kills_of_the_real_model_change_no_byte_of_the_adapter(real_model_dir: Path, tmp_path: Path) -> None:
    schedule = {"max_steps": 12, "max_length": 32, "micro_batch": 1, "grad_accumulation": 2, "save_steps": 2}
    plan = small_plan(real_model_dir, asset("sample", "questions.jsonl"), LORA, **schedule)
    assert_equal_to_the_last_byte(plan, tmp_path, seed=3)
