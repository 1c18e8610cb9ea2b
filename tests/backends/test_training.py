"""The training job on the two-layer model: what it tells, what it leaves behind, and that watching changes no number."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner.plan import Plan
from planner.run import inbox, layout, lock
from planner.run.events import (
    Checkpoint,
    Event,
    Finished,
    Memory,
    Note,
    Phase,
    Sample,
    Started,
    Step,
)
from planner.run.journal import last_word, read_all, steps
from planner.run.lock import State
from planner.run.start import environment, start
from planner.slots import Slot
from planner.units import words
from tests import plain_trl
from tests.small_run import choose, small_plan, wait_for_end, wait_until, write_run
from tests.tiny_model import make_rows
from tests.warm_worker import WarmStart

pytest.importorskip("torch", reason="needs the [train] extra")

SECRET = "hf_not_a_real_secret_9f3b"
LORA = choose(Slot.TRAINABLE, "lora", dropout=0.1)
ALLOWED = {".safetensors", ".json"}


def of(kind: type[Any], events: tuple[Event, ...]) -> list[Any]:
    return [e for e in events if isinstance(e, kind)]


@pytest.fixture(scope="module")
def plan(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    data = make_rows(tmp_path_factory.mktemp("data") / "rows.jsonl", 40)
    schedule = {"max_steps": -1, "epochs": 1.5, "grad_accumulation": 2, "save_steps": 4}
    return small_plan(tiny_model_dir, data, LORA, **schedule)


@pytest.fixture(scope="module")
def whole(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from start to end that nobody touched."""
    run_dir = tmp_path_factory.mktemp("whole")
    write_run(run_dir, plan)
    os.environ["PLIMSOLL_TEST_TOKEN"] = SECRET
    pid = start(run_dir)
    del os.environ["PLIMSOLL_TEST_TOKEN"]
    assert lock.state(run_dir) is State.RUNNING
    assert pid == lock.holder_pid(run_dir)
    wait_for_end(run_dir)
    return run_dir


def test_the_journal_tells_the_run_from_start_to_end(whole: Path, plan: Plan) -> None:
    reading = read_all(whole)
    events = reading.events
    assert not reading.problems
    assert isinstance(events[0], Started)
    assert events[0].resumed_from == -1
    assert events[0].total_steps == 15
    assert events[0].versions["torch"]
    word = events[-1]
    assert isinstance(word, Finished)
    assert word.outcome == "done"
    phases = [e.phase for e in of(Phase, events)]
    assert phases[:6] == ["check", "load", "load", "data", "sample", "train"]
    assert [s.when for s in of(Sample, events)] == ["before", "after"]
    told = of(Step, events)
    assert [s.step for s in told] == list(range(1, 16))
    assert all(float.fromhex(s.loss_hex) == s.loss and s.total_steps == 15 for s in told)
    assert told[0].loss > told[-1].loss > 0
    assert told[0].learning_rate == plan.stage.schedule.learning_rate
    assert all(s.tokens_per_s > 0 and s.grad_norm > 0 and 8 < s.seq <= 64 for s in told)
    assert [c.step for c in of(Checkpoint, events)] == [4, 8, 12, 15]
    assert lock.state(whole) is State.FINISHED


def test_tokens_are_those_of_the_rows_that_were_trained_on(whole: Path, plan: Plan) -> None:
    """1.5 epochs of 20 micro-batches: every row once, then the first 10 micro-batches of the second shuffle."""
    from transformers import AutoTokenizer

    from backends.jobs.scan import tokens_of_row
    from planner.facts.order import micro_batches

    tokenizer = AutoTokenizer.from_pretrained(plan.model.path)
    rows = [json.loads(line) for line in Path(plan.data.path).read_text().splitlines()]
    lengths = [min(64, tokens_of_row(tokenizer, row)[0]) for row in rows]
    batches = list(micro_batches(len(rows), plan.stage.schedule))
    told = steps(read_all(whole).events)
    assert told[-1].tokens == sum(lengths[i] for batch in batches[:30] for i in batch)
    assert told[0].seq == max(lengths[i] for batch in batches[:2] for i in batch)


def test_memory_is_told_with_where_it_was(whole: Path) -> None:
    events = read_all(whole).events
    readings = of(Memory, events)
    assert {(m.source, m.tier) for m in readings} == {("process", "host")}
    assert all(0 < m.bytes <= m.peak_bytes for m in readings)
    assert [m.peak_bytes for m in readings] == sorted(m.peak_bytes for m in readings)
    assert any(m.step > 0 and m.moment in ("forward", "backward", "backward_end", "update") for m in readings)
    seconds = readings[-1].time - readings[0].time
    assert len(readings) <= 5 * seconds + 2
    word = events[-1]
    assert isinstance(word, Finished)
    assert word.measured["peak_bytes"] == readings[-1].peak_bytes
    said, took = word.measured["predicted_bytes"], word.measured["peak_bytes"]
    assert word.sentence == f"We said {words(said)}. It took {words(took)}."


def test_nothing_is_pickled_and_no_secret_is_kept(whole: Path) -> None:
    checkpoints = sorted(p.name for p in (whole / layout.CHECKPOINTS).iterdir())
    assert checkpoints == ["step-12", "step-15"]
    saved = [p for name in (layout.CHECKPOINTS, layout.RESULT) for p in (whole / name).rglob("*") if p.is_file()]
    assert {p.suffix for p in saved} == ALLOWED
    assert not list(whole.rglob("*.partial"))
    assert SECRET in environment(whole).get("PLIMSOLL_TEST_TOKEN", SECRET)
    for path in whole.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_the_worker_left_no_zombie_and_its_ending_is_written_down(whole: Path) -> None:
    pid = of(Started, read_all(whole).events)[0].pid
    ended = json.loads((whole / layout.EXIT).read_text())
    assert type(ended.pop("oom_kills")) is int  # of the whole computer, which others may use up
    assert ended == {"pid": pid, "returncode": 0}
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # PEFT's own call
def test_the_result_is_peft_own_format_and_gives_the_answer_of_the_journal(whole: Path, plan: Plan) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from backends.sample import answer

    word = last_word(read_all(whole).events)
    assert isinstance(word, Finished)
    weights = Path(word.adapter) / "adapter_model.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == word.sha256
    base = AutoModelForCausalLM.from_pretrained(plan.model.path)
    model = PeftModel.from_pretrained(base, word.adapter)
    after = of(Sample, read_all(whole).events)[1]
    assert answer(model, AutoTokenizer.from_pretrained(plan.model.path), after.prompt, 4) == after.text
    assert any(float(p.abs().max()) > 0 for n, p in model.named_parameters() if "lora_B" in n)


def plain_losses(run_dir: Path, out: Path) -> list[str]:
    out.mkdir()
    command = [sys.executable, "-P", plain_trl.__file__, str(run_dir / layout.SPEC), str(out)]
    subprocess.run(command, env=environment(run_dir), check=True, capture_output=True)
    return [json.loads(line)["loss_hex"] for line in (out / "losses.jsonl").read_text().splitlines()]


def test_losses_are_those_of_a_plain_script_to_the_last_bit(whole: Path, tmp_path: Path) -> None:
    assert [s.loss_hex for s in steps(read_all(whole).events)] == plain_losses(whole, tmp_path / "plain")


@pytest.fixture(scope="module")
def touched(plan: Plan, tmp_path_factory: pytest.TempPathFactory, warm_start: WarmStart) -> Path:
    """The same run, paused, asked, checkpointed, released, resumed, and released by the system's own signal."""
    run_dir = tmp_path_factory.mktemp("touched")
    with warm_start.used():
        write_run(run_dir, plan)
        start(run_dir)  # a wish sent while the worker loads waits for it: no step can run away from this test
        inbox.send(run_dir, "pause")
        events = wait_until(run_dir, lambda events: phase(events) == "paused")
        at = len(steps(events))
        inbox.send(run_dir, "sample", "how much memory?")
        wait_until(run_dir, lambda events: [s for s in of(Sample, events) if s.when == "asked"])
        inbox.send(run_dir, "checkpoint")
        wait_until(run_dir, lambda events: of(Note, events))
        assert len(steps(read_all(run_dir).events)) == at
        inbox.send(run_dir, "resume")
        inbox.send(run_dir, "release")
        wait_for_end(run_dir)
        assert lock.state(run_dir) is State.RELEASED
        start(run_dir)
        inbox.send(run_dir, "pause")
        wait_until(run_dir, lambda events: len(of(Started, events)) == 2 and phase(events) == "paused")
        os.kill(lock.holder_pid(run_dir), signal.SIGTERM)
        wait_for_end(run_dir)
        assert lock.state(run_dir) is State.RELEASED
        start(run_dir)
        wait_until(run_dir, lambda events: len(of(Started, events)) == 3 and phase(events) == "train")
        for verb in ("pause", "resume"):  # wherever it is by now
            inbox.send(run_dir, verb)
        wait_for_end(run_dir)
    return run_dir


def phase(events: tuple[Event, ...]) -> str:
    return of(Phase, events)[-1].phase if of(Phase, events) else ""


def test_pausing_asking_and_releasing_change_no_number(whole: Path, touched: Path) -> None:
    same: Callable[[Step], tuple[Any, ...]] = lambda s: (  # noqa: E731
        *(s.step, s.loss_hex, s.learning_rate, s.grad_norm, s.tokens, s.seq),
    )
    assert [same(s) for s in steps(read_all(touched).events)] == [same(s) for s in steps(read_all(whole).events)]
    results = [last_word(read_all(run_dir).events) for run_dir in (whole, touched)]
    assert isinstance(results[0], Finished)
    assert isinstance(results[1], Finished)
    assert results[0].sha256 == results[1].sha256


def test_pausing_keeps_memory_and_says_how_much(touched: Path) -> None:
    paused = next(e for e in of(Phase, read_all(touched).events) if e.phase == "paused")
    assert paused.detail.startswith("It keeps ")
    assert "iB" in paused.detail


def test_a_released_run_has_a_checkpoint_of_its_last_step_and_goes_on_there(touched: Path) -> None:
    events = read_all(touched).events
    sessions = of(Started, events)
    releases = [e for e in of(Finished, events) if e.outcome == "released"]
    assert [s.resumed_from for s in sessions] == [-1, *(r.step for r in releases)]
    assert len(of(Step, events)) == 15  # no step was made twice
    assert [s.when for s in of(Sample, events)] == ["before", "asked", "after"]


@pytest.mark.usefixtures("warm_workers")
def test_stop_saves_what_was_learned_and_can_be_gone_on_from(plan: Plan, tmp_path: Path) -> None:
    write_run(tmp_path, plan)
    start(tmp_path)
    inbox.send(tmp_path, "pause")  # so that the stop meets the first step and not the last
    wait_until(tmp_path, lambda events: phase(events) == "paused")
    inbox.send(tmp_path, "stop")
    word = last_word(wait_for_end(tmp_path))
    assert isinstance(word, Finished)
    assert word.outcome == "stopped"
    assert 0 < word.step < 15
    assert (Path(word.adapter) / "adapter_model.safetensors").is_file()
    assert (tmp_path / layout.CHECKPOINTS / f"step-{word.step}").is_dir()


def test_a_full_fine_tune_leaves_a_model_that_loads_alone(tiny_model_dir: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    data = make_rows(tmp_path / "rows.jsonl", 24, form="prompt_completion")
    choices = (choose(Slot.TRAINABLE, "full"), choose(Slot.WEIGHTS, "fp32"), choose(Slot.LOSS, "full_logits"))
    schedule = {"max_steps": 3, "completion_only": True, "save_steps": 2}
    write_run(tmp_path / "run", small_plan(tiny_model_dir, data, *choices, **schedule))
    start(tmp_path / "run")
    events = wait_for_end(tmp_path / "run")
    word = last_word(events)
    assert isinstance(word, Finished), word
    model = AutoModelForCausalLM.from_pretrained(word.adapter)
    assert len(AutoTokenizer.from_pretrained(word.adapter)) == 400
    before = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
    assert str(model.dtype) == "torch.float32"
    assert any(not a.equal(b) for a, b in zip(model.parameters(), before.float().parameters(), strict=True))
    assert [s.loss_hex for s in steps(events)] == plain_losses(tmp_path / "run", tmp_path / "plain")


def test_a_field_of_two_types_is_told_in_words() -> None:
    from backends.trainers.fine_tune import columns_of
    from planner.problem import ProblemError

    rows = [{"messages": [{"role": "user", "content": "a", "name": name}]} for name in ("x", 5)]
    with pytest.raises(ProblemError) as caught:
        columns_of(rows)
    assert caught.value.problem.code == "data.mixed_types"
