"""Memory runs out in a real worker: the report names where and for what, and the run goes on with less."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from planner import plan_file
from planner.facts.order import micro_batches
from planner.plan import Plan
from planner.problem import ProblemError
from planner.run import layout, lock
from planner.run.events import Checkpoint, Failed, Finished, Memory, Note, Started
from planner.run.journal import last_word, steps
from planner.run.retry import Retry, apply_retry, retry_of
from planner.run.sessions import since_last_change
from planner.run.shortage import ASKED, LARGEST, from_details
from planner.run.start import start
from planner.slots import Slot
from planner.units import MIB
from tests.faults import fault
from tests.limits import let_a_worker_grow_by
from tests.small_run import choose, kill, log_tail, small_plan, wait_for_end, wait_until, write_run
from tests.tiny_model import make_rows, make_tiny_model

pytest.importorskip("torch", reason="needs the [train] extra")
pytestmark = [
    pytest.mark.usefixtures("warm_workers"),
    pytest.mark.skipif(sys.platform != "linux", reason="limits of this kind are Linux's"),
]
ROWS, BATCH = 40, 16


@pytest.fixture(scope="module")
def wide_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many words, so that logits outweigh all else."""
    return make_tiny_model(tmp_path_factory.mktemp("models") / "wide", vocab_size=32_768, n_layers=1)


def ran_out(run_dir: Path) -> Failed:
    word = last_word(wait_for_end(run_dir))
    assert isinstance(word, Failed), f"{word}\n{log_tail(run_dir)}"
    assert word.problem.code == "memory.out", word.problem
    return word


@fault(
    "Memory runs out in the middle of a step",
    injected="A limit of data (`prlimit`) on a real worker that has made two steps",
    seen="The instant, the tensors, what was asked for, what could still be had of which limit, who holds the rest, "
    "and a button with the smallest change",
    lost="The steps since the last checkpoint; after the change they are made again from the same rows",
)
def test_a_run_that_ran_out_goes_on_from_its_checkpoint_with_a_smaller_batch_and_the_same_rows(
    wide_model: Path, tmp_path: Path
) -> None:
    plan = small_plan(
        wide_model,
        make_rows(tmp_path / "rows.jsonl", ROWS),
        choose(Slot.LOSS, "full_logits"),
        micro_batch=BATCH,
        max_length=128,
        max_steps=-1,
        epochs=2,
        save_steps=2,
    )
    whole, run_dir = tmp_path / "whole", tmp_path / "run"
    for folder in (whole, run_dir):
        write_run(folder, plan, sample_prompt="")
    start(whole)
    expected = steps(wait_for_end(whole))

    start(run_dir)
    wait_until(run_dir, lambda events: any(isinstance(e, Checkpoint) for e in events))
    kill(run_dir)
    start(run_dir)
    wait_until(run_dir, lambda events: len([e for e in events if isinstance(e, Started)]) == 2)
    let_a_worker_grow_by(run_dir, 330 * MIB)
    word = ran_out(run_dir)
    short = from_details(word.details)
    assert (short.phase, short.tier) == ("step 2+", "host")
    assert short.moment in ("loss", "layer_last"), "over all words, forward or backward"
    if short.moment == "loss":
        assert (short.line_is, short.line[:11]) == (ASKED, "the logits ")
    assert short.line
    assert 0 < short.free_bytes < short.asked_bytes
    assert short.limit == "its limit of data (ulimit -d)"
    assert short.free_bytes < short.limit_bytes
    assert short.held_bytes > 100 * MIB
    assert short.said_bytes > short.got_bytes
    assert short.holders
    assert "were asked for" in word.problem.fact
    assert "could still be had of the" in word.problem.fact

    found = retry_of(run_dir)
    assert isinstance(found, Retry), found
    assert found.title == short.retry["title"]
    assert found.from_step == 2 * (word.step // 2) > 0
    assert found.same_rows
    assert found.peak_bytes <= found.got_bytes
    before, now = plan.stage.schedule, found.plan.stage.schedule
    assert before.micro_batch * before.grad_accumulation == now.micro_batch * now.grad_accumulation
    assert now.micro_batch < BATCH
    for kept in (Slot.TRAINABLE, Slot.OPTIMIZER, Slot.WEIGHTS):
        assert found.plan.stage.choice(kept) == plan.stage.choice(kept)
    assert rows_of_steps(plan) == rows_of_steps(found.plan)

    apply_retry(run_dir, found)
    assert plan_file.load_spec(layout.kept_spec(run_dir, 1)).plan == plan
    start(run_dir)
    events = wait_for_end(run_dir)
    assert isinstance(last_word(events), Finished), log_tail(run_dir)
    went_on = [e for e in events if isinstance(e, Started)][-1]
    assert (went_on.resumed_from, went_on.changes) == (found.from_step, 1)
    said = [e.text for e in events if isinstance(e, Note) and "Memory had run out" in e.text]
    assert len(said) == 1
    assert found.title in said[0]
    after = steps(events)
    assert [s.step for s in after] == [s.step for s in expected]
    assert [s.tokens for s in after] == [s.tokens for s in expected], "a row was trained twice or left out"
    assert [s.loss for s in after] == pytest.approx([s.loss for s in expected], rel=2e-3)

    mine, all_peaks = since_last_change(events), [e.peak_bytes for e in events if isinstance(e, Memory)]
    assert [e for e in events[: events.index(mine[0])] if isinstance(e, Failed)]
    assert max(e.peak_bytes for e in mine if isinstance(e, Memory)) < max(all_peaks)


def rows_of_steps(plan: Plan) -> list[list[int]]:
    """The rows that each step learns from."""
    schedule = plan.stage.schedule
    found: list[list[int]] = []
    per_epoch = -(-plan.data.rows // (schedule.micro_batch * schedule.grad_accumulation))
    rows = [list(batch) for batch in micro_batches(plan.data.rows, schedule)]
    whole = [row for batch in rows for row in batch]
    size = schedule.micro_batch * schedule.grad_accumulation
    for epoch in range(len(whole) // plan.data.rows):
        of_epoch = whole[epoch * plan.data.rows : (epoch + 1) * plan.data.rows]
        found += [sorted(of_epoch[i * size : (i + 1) * size]) for i in range(per_epoch)]
    return found


@fault(
    "Memory runs out in the optimizer's first update",
    injected="A limit of data on a real worker that has room for gradients and none for the optimizer's states",
    seen="“optimizer update” as the instant, and the states as what was largest or asked for",
    lost="The run, before its first step; the button offers the smallest change",
)
def test_memory_that_runs_out_in_the_update_is_told_as_the_updates(tmp_path: Path) -> None:
    model = make_tiny_model(tmp_path / "heavy", n_layers=1, hidden_size=256, intermediate_size=16_384)
    full = (choose(Slot.TRAINABLE, "full"), choose(Slot.WEIGHTS, "fp32"))
    plan = small_plan(model, make_rows(tmp_path / "rows.jsonl", 4), *full, micro_batch=1, max_length=16, max_steps=3)
    run_dir = tmp_path / "run"
    write_run(run_dir, plan, sample_prompt="")
    start(run_dir)
    let_a_worker_grow_by(run_dir, plan.model.params * 4 * 2)
    short = from_details(ran_out(run_dir).details)
    assert (short.phase, short.moment) == ("step 1", "update")
    assert short.line_is in (ASKED, LARGEST)
    assert short.line
    found = retry_of(run_dir)
    if isinstance(found, Retry):
        assert found.from_step == 0
        assert found.plan.model == plan.model, "nobody asked for another model"


@fault(
    "Memory runs out in an evaluation between steps",
    injected="A limit of data on a real worker that trains by one row and evaluates by sixteen",
    seen="“evaluate” as the phase, and a smaller evaluation batch as the smallest change",
    lost="The steps since the last checkpoint",
)
def test_memory_that_runs_out_in_an_evaluation_asks_for_a_smaller_evaluation_batch(
    wide_model: Path, tmp_path: Path
) -> None:
    rows = make_rows(tmp_path / "rows.jsonl", ROWS)
    held = {"eval_fraction": 0.5, "eval_batch": 16, "eval_steps": 2}
    logits = choose(Slot.LOSS, "full_logits")
    plan = small_plan(wide_model, rows, logits, micro_batch=1, max_length=128, max_steps=4, save_steps=1, **held)
    run_dir = tmp_path / "run"
    write_run(run_dir, plan, sample_prompt="")
    start(run_dir)
    let_a_worker_grow_by(run_dir, 190 * MIB)
    word = ran_out(run_dir)
    assert word.step == 2
    short = from_details(word.details)
    assert short.phase == "evaluate"
    assert "Memory ran out in evaluate" in word.problem.fact
    found = retry_of(run_dir)
    assert isinstance(found, Retry), found
    assert found.plan.stage.schedule.eval_batch < 16
    assert found.plan.stage.schedule.micro_batch == 1
    assert found.from_step > 0


def test_a_run_that_did_not_run_out_is_offered_no_change(tiny_model_dir: Path, tmp_path: Path) -> None:
    plan = small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 8), max_steps=2)
    run_dir = tmp_path / "run"
    write_run(run_dir, plan, sample_prompt="")
    found = retry_of(run_dir)
    assert getattr(found, "code", "") == "retry.not_memory"
    held = lock.Lock(run_dir)
    assert getattr(retry_of(run_dir), "code", "") == "run.already_running"
    with pytest.raises(ProblemError, match="already at work"):
        apply_retry(run_dir, Retry("", "", plan, 0, 0))
    held.release()
