"""A proof really trains on the batch that needs most, gives everything back, keeps nothing, and narrows its plan's band."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

from app import calibrating
from planner.calibration.correction import PROOF as PROVED
from planner.estimate import estimate, heaviest_batch
from planner.facts.data import rows_of
from planner.facts.order import micro_batches
from planner.plan import Plan
from planner.plan_file import save_spec
from planner.run import inbox, layout
from planner.run.build import main_tier, run_spec
from planner.run.events import Event, Failed, Finished, Phase, Step
from planner.run.journal import read_all
from planner.run.results import PROOF, Proof, load
from planner.run.start import environment, start
from planner.slots import Slot
from planner.units import MIB, words
from tests.backends.test_counted_process_memory import counted
from tests.small_run import choose, small_plan, wait_for_end
from tests.tiny_model import make_rows, make_tiny_model
from tests.warm_worker import WarmStart

STATES_MIB = 150  # weights, gradients and states of the model below take more than this


def write(plan: Plan, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_spec(run_spec(plan, estimate(plan), folder, job="prove"), folder / layout.SPEC)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Large enough that what is given back shows beside what libraries take on the way."""
    folder = tmp_path_factory.mktemp("prove")
    model = make_tiny_model(folder / "model", hidden_size=512, intermediate_size=1024, vocab_size=8192, dtype="float32")
    full = (choose(Slot.WEIGHTS, "fp32"), choose(Slot.TRAINABLE, "full"))
    return counted(small_plan(model, make_rows(folder / "rows.jsonl", 24), *full, grad_accumulation=5, max_steps=5))


@pytest.fixture(scope="module")
def proved(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Event, ...]]:
    """A worker as it is really started, since memory is the claim."""
    folder = tmp_path_factory.mktemp("work") / "prove-1"
    write(plan, folder)
    start(folder)
    return folder, wait_for_end(folder)


def test_two_steps_on_the_longest_batch_and_an_evaluation(proved: tuple[Path, tuple[Event, ...]], plan: Plan) -> None:
    folder, events = proved
    batch = heaviest_batch(plan)
    told = [e for e in events if isinstance(e, Step)]
    assert [(s.step, s.total_steps, s.seq) for s in told] == [(1, 2, batch.seq), (2, 2, batch.seq)]
    found = load(Proof, folder / PROOF)
    assert (found.rows, found.seq) == (batch.rows, batch.seq)
    lengths = [min(n, plan.stage.schedule.max_length) for n in plan.data.lengths]
    longest = rows_of(plan.data, plan.stage.schedule, batch)
    assert told[0].tokens == 2 * sum(lengths[i] for i in longest), "two of its five micro-batches, each the longest one"
    phases = [e.phase for e in events if isinstance(e, Phase)]
    assert phases == ["check", "load", "load", "data", "train", "evaluate", "free"]
    assert found.before_bytes < found.evaluation_bytes < found.peak_bytes
    assert 0 < found.step_seconds < found.seconds


def test_the_longest_evaluation_is_proved_with_the_steps(plan: Plan, tmp_path: Path) -> None:
    """It is the fullest instant here, so the proof's peak is its own; on the rows that the run will evaluate."""
    schedule = replace(plan.stage.schedule, grad_accumulation=1, eval_fraction=0.5, eval_batch=12)
    with_lora = plan.with_choice(choose(Slot.TRAINABLE, "lora")).with_schedule(schedule)
    tier = main_tier(estimate(with_lora), with_lora)
    assert tier is not None
    assert tier.peak_at is not None
    assert tier.peak_at.phase == "evaluate"
    write(with_lora, tmp_path / "prove")
    start(tmp_path / "prove")
    events = wait_for_end(tmp_path / "prove")
    found, word = load(Proof, tmp_path / "prove" / PROOF), events[-1]
    assert isinstance(word, Finished), word
    assert found.evaluation_bytes == found.peak_bytes
    assert "evaluate" in found.phase
    assert abs(found.peak_bytes / tier.peak_bytes - 1) < 0.1
    assert (
        f"Of an evaluation we said {words(tier.peak_bytes)}; it took {words(found.evaluation_bytes)}." in word.sentence
    )


def test_the_last_word_says_what_was_said_and_what_it_took(proved: tuple[Path, tuple[Event, ...]], plan: Plan) -> None:
    folder, events = proved
    word = events[-1]
    assert isinstance(word, Finished), word
    found = load(Proof, folder / PROOF)
    assert word.outcome == "done"
    assert word.adapter == str(folder / PROOF)
    assert word.measured["peak_bytes"] == found.peak_bytes == found.process_bytes == found.host_bytes
    tier = main_tier(estimate(plan), plan)
    assert tier is not None
    assert word.measured["predicted_bytes"] == tier.peak_bytes
    assert word.sentence.startswith("We said ")


def test_everything_is_given_back_and_nothing_is_kept(proved: tuple[Path, tuple[Event, ...]]) -> None:
    folder, _ = proved
    found = load(Proof, folder / PROOF)
    assert found.peak_bytes - found.after_bytes > STATES_MIB * MIB
    assert {p.name for p in folder.iterdir()} <= {
        layout.SPEC, layout.EVENTS, layout.ALIVE, layout.EXIT, layout.LOG, layout.INBOX, PROOF, "cache",
    }  # fmt: skip
    assert not list(folder.rglob("*.safetensors"))


def test_the_plans_band_narrows_to_what_was_seen(
    proved: tuple[Path, tuple[Event, ...]], plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = proved
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    seen = calibrating.learn_from(folder)
    assert seen is not None
    assert PROVED in {c.term for c in calibrating.corrections()}
    before = main_tier(estimate(plan), plan)
    taught = replace(plan, machine=calibrating.with_corrections(plan.machine))
    after = main_tier(estimate(taught), taught)
    assert before is not None
    assert after is not None
    took = load(Proof, folder / PROOF).peak_bytes
    assert after.low_bytes <= took <= after.high_bytes
    assert after.high_bytes - after.low_bytes < (before.high_bytes - before.low_bytes) // 2
    assert calibrating.learn_from(folder) is None, "the same proof teaches once"


def test_the_rows_are_those_of_a_batch_of_the_run(plan: Plan) -> None:
    schedule = replace(plan.stage.schedule, max_steps=-1)
    for micro_batch in (1, 2, 5, 24, 30):
        one = plan.with_schedule(replace(schedule, micro_batch=micro_batch))
        batch = heaviest_batch(one)
        rows = rows_of(one.data, one.stage.schedule, batch)
        assert rows in list(micro_batches(one.data.rows, one.stage.schedule))
        assert (len(rows), max(min(one.data.lengths[i], schedule.max_length) for i in rows)) == (batch.rows, batch.seq)


def test_a_row_whose_answer_is_cut_away_is_never_taken(plan: Plan) -> None:
    prompts = tuple(10**6 if n == max(plan.data.lengths) else 1 for n in plan.data.lengths)
    data = replace(plan.data, form="prompt_completion", prompt_lengths=prompts)
    one = replace(plan, data=data).with_schedule(replace(plan.stage.schedule, micro_batch=24, completion_only=True))
    rows = rows_of(data, one.stage.schedule, heaviest_batch(one))
    assert len(rows) == prompts.count(1)
    assert all(prompts[i] == 1 for i in rows)


def test_a_stopped_proof_proves_nothing(plan: Plan, tmp_path: Path, warm_start: WarmStart) -> None:
    folder = tmp_path / "prove-2"
    write(plan, folder)
    with warm_start.used():
        start(folder)
        inbox.send(folder, "stop")  # heard before the first micro-batch at the latest
        word = wait_for_end(folder)[-1]
    assert isinstance(word, Finished), word
    assert word.outcome == "stopped"
    assert not (folder / PROOF).exists()
    assert not (folder / layout.CHECKPOINTS).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="limits of this kind are Linux's")
def test_a_proof_whose_memory_runs_out_says_what_would_fit_and_keeps_nothing(tmp_path: Path) -> None:
    """A limit on the process's data makes torch's own allocation fail, in the middle of a step."""
    model = make_tiny_model(tmp_path / "wide", vocab_size=32_768, n_layers=1)
    data = make_rows(tmp_path / "rows.jsonl", 200)
    full = choose(Slot.LOSS, "full_logits")
    folder = tmp_path / "prove-3"
    write(counted(small_plan(model, data, full, micro_batch=64, max_length=128)), folder)
    limited = f"ulimit -d {1024 * 1024}; exec {sys.executable} -P -m backends.worker {folder}"
    done = subprocess.run(["bash", "-c", limited], env=environment(folder), cwd=folder, capture_output=True)
    word = read_all(folder, over=True).events[-1]
    assert isinstance(word, Failed), (word, done.stderr[-2000:])
    assert done.returncode == 1
    assert (word.problem.code, word.phase) == ("memory.out", "train")
    assert "We said" in word.problem.fact
    assert word.problem.advice.startswith("Smallest change that fits what it got: ")
    assert {p.name for p in folder.iterdir()} <= {layout.SPEC, layout.EVENTS, layout.ALIVE, layout.INBOX, "cache"}
