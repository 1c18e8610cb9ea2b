"""A run that looks after itself, with every window closed: proved, cut off, out of memory, gone on, and told."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from planner.estimate import estimate
from planner.plan import Plan
from planner.plan_file import load_spec
from planner.run import inbox, layout, lock, overnight, queue
from planner.run.events import Checkpoint, Failed, Finished, Phase, Started
from planner.run.journal import last_word, read_all, steps
from planner.run.keeper import Keeper
from planner.run.lock import State
from planner.slots import Slot
from planner.units import MIB
from tests.faults import fault
from tests.limits import control_group, let_a_worker_grow_by
from tests.small_run import choose, kill, log_tail, small_plan, wait_for_end, wait_until, write_run
from tests.tiny_model import make_rows, make_tiny_model

pytest.importorskip("torch", reason="needs the [train] extra")
pytestmark = [
    pytest.mark.usefixtures("warm_workers"),
    pytest.mark.skipif(sys.platform != "linux", reason="limits and signals of this kind are Linux's"),
]
LONGEST_S = 120.0


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def keep_until(keeper: Keeper, happened: Callable[[], object]) -> None:
    """Turns of the keeper until it happened."""
    deadline = time.monotonic() + LONGEST_S
    while not happened():
        keeper.look()
        assert time.monotonic() < deadline
        time.sleep(0.2)


def at_a_checkpoint(run_dir: Path) -> None:
    """The run is paused behind its next checkpoint, where it holds least."""
    seen = len(read_all(run_dir).events)
    wait_until(run_dir, lambda events: any(isinstance(e, Checkpoint) for e in events[seen:]))
    inbox.send(run_dir, "pause")
    wait_until(run_dir, lambda events: any(isinstance(e, Phase) and e.phase == "paused" for e in events[seen:]))


@fault(
    "The computer is restarted in the middle of an overnight run",
    injected="SIGKILL to the worker and a new keeper; nobody saw the end, and its number is another process's now",
    seen="The run goes on from its checkpoint when the program is opened",
    lost="The steps since the last checkpoint, which are made again to the same bits",
)
def test_overnight_a_run_is_proved_survives_a_restart_and_a_shortage_and_tells_it_in_three_sentences(
    tmp_path: Path,
) -> None:
    model = make_tiny_model(tmp_path / "wide", vocab_size=32_768, n_layers=1)
    data = make_rows(tmp_path / "rows.jsonl", 40)
    settings = {"micro_batch": 16, "max_length": 128, "max_steps": -1, "epochs": 2, "save_steps": 2}
    plan = small_plan(model, data, choose(Slot.LOSS, "full_logits"), **settings)
    run_dir = queue.enqueue(estimate(plan), overnight=True)
    first = Keeper()

    keep_until(first, lambda: lock.is_held(run_dir))
    assert overnight.read(run_dir).proved.startswith("two steps on the longest rows took ")
    assert queue.watched() == (run_dir,)
    at_a_checkpoint(run_dir)
    kill(run_dir)
    for gone in (layout.EXIT, "inbox"):  # the starter went down with it; a wish of before means nothing now
        path = run_dir / gone
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (run_dir / layout.ALIVE).write_text(f'{{"pid": {os.getpid()}, "started": 0}}')
    assert lock.state(run_dir) is State.LOST

    second = Keeper()
    keep_until(second, lambda: lock.is_held(run_dir))
    resumed = wait_until(run_dir, lambda events: len([e for e in events if isinstance(e, Started)]) == 2)
    assert [e.resumed_from for e in resumed if isinstance(e, Started)][-1] == 2
    assert load_spec(run_dir / layout.SPEC).plan == plan, "a crash changes nothing"

    let_a_worker_grow_by(run_dir, 330 * MIB)
    word = last_word(wait_for_end(run_dir))
    assert isinstance(word, Failed), log_tail(run_dir)
    assert word.problem.code == "memory.out"

    keep_until(second, lambda: overnight.told(run_dir))
    events = read_all(run_dir).events
    assert isinstance(last_word(events), Finished), log_tail(run_dir)
    assert [s.step for s in steps(events)] == list(range(1, 7))
    now = load_spec(run_dir / layout.SPEC).plan.stage.schedule
    assert now.micro_batch * now.grad_accumulation == 16
    assert now.micro_batch < 16
    asked, happened, came = overnight.told(run_dir)
    assert "you asked for 6 steps of LoRA on wide" in asked
    assert happened.startswith("Two steps on the longest rows took ")
    assert "memory ran out after step" in happened
    assert "batch" in happened
    assert "broke off 1 time and went on" in happened
    assert came.startswith("It finished after step 6 with a loss of ")
    assert str(run_dir / layout.RESULT) in came
    assert queue.watched() == ()
    assert not second.look() or not queue.waiting()


@fault(
    "A model's folder is deleted while its run waits in the queue",
    injected="The folder is removed before the run's turn",
    seen="That run has failed and names the folder; the queue goes on with the next",
    lost="Nothing",
)
def test_a_queue_goes_on_past_a_run_whose_model_has_gone(tiny_model_dir: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model_dir, model)
    rows = make_rows(tmp_path / "rows.jsonl", 8)
    first = queue.enqueue(estimate(small_plan(model, rows)))
    second = queue.enqueue(estimate(small_plan(tiny_model_dir, rows)))
    shutil.rmtree(model)
    keeper = Keeper()
    keep_until(keeper, lambda: lock.state(second) is State.FINISHED)
    word = last_word(read_all(first).events)
    assert isinstance(word, Failed)
    assert word.problem.code == "model.not_found"
    assert str(model) in word.problem.fact
    started = [next(e.time for e in read_all(p).events if isinstance(e, (Started, Failed))) for p in (first, second)]
    assert started == sorted(started)
    assert queue.waiting() == ()


@fault(
    "Another process eats the memory during a run",
    injected="A real process grows beside the worker in one control group until the kernel ends the worker",
    seen="“The system ended it because memory ran out (SIGKILL)”, what it held of which limit, and what others held",
    lost="The steps since the last checkpoint",
)
def test_a_worker_that_the_kernel_ends_for_memory_is_told_with_its_size(tiny_model_dir: Path, tmp_path: Path) -> None:
    from planner.run.retry import Retry, retry_of
    from planner.run.shortage import ended_for_memory, shortage_of
    from planner.run.start import start
    from tests.holding import holding

    plan = small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 24), max_steps=4000, save_steps=2)
    run_dir = tmp_path / "run"
    write_run(run_dir, plan, sample_prompt="")
    with control_group() as group:
        pid = start(run_dir)
        wait_until(run_dir, lambda events: any(isinstance(e, Checkpoint) for e in events))
        group.limit(24 * MIB)
        group.take(pid)
        with holding() as eater:
            group.take(eater.pid)
            assert eater.process.stdin is not None
            eater.process.stdin.write("64\n")
            eater.process.stdin.flush()
            wait_for_end(run_dir)
            group.limit(1 << 40)
    problem = lock.died(run_dir)
    assert problem.code == "worker.died"
    assert "the system ended it because memory ran out (SIGKILL)" in problem.fact
    assert " It held " in problem.fact
    assert "of this computer's memory" in problem.fact
    assert ended_for_memory(run_dir)
    short = shortage_of(run_dir)
    assert short is not None
    assert short.held_bytes > 10 * MIB
    story = overnight.Story(resumes=0)
    found = retry_of(run_dir)
    then = overnight.after_end(run_dir, replace(story))
    assert (then is not None and bool(then.changes)) == isinstance(found, Retry), "it is not resumed as it was"


def test_what_failed_for_good_is_told_and_not_tried_again(tiny_model_dir: Path, tmp_path: Path) -> None:
    plan: Plan = small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 8))
    run_dir = queue.enqueue(estimate(plan), overnight=True)
    Path(plan.data.path).unlink()
    keep_until(Keeper(), lambda: overnight.told(run_dir))
    _, happened, came = overnight.told(run_dir)
    assert happened.startswith("Nothing could be proved before")
    assert came.startswith("It did not come to its end: ")
    assert came.endswith("nothing of it was saved.")
    assert len([e for e in read_all(run_dir).events if isinstance(e, Failed)]) == 1
