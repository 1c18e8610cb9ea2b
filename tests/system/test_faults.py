"""Real faults, none simulated in code: each ends in its Problem, and what was done before is still there."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.plan import Plan
from planner.run import layout, lock
from planner.run.events import Checkpoint, Failed, Finished, Note, Started, Step
from planner.run.journal import last_word, read_all, steps
from planner.run.lock import State
from planner.run.start import environment, start
from planner.slots import Slot
from planner.units import MIB
from tests.faults import fault
from tests.small_run import choose, kill, log_tail, small_plan, wait_for_end, wait_until, write_run
from tests.tiny_model import make_rows, make_tiny_model

pytest.importorskip("torch", reason="needs the [train] extra")
pytestmark = pytest.mark.usefixtures("warm_workers")

LONG = {"max_steps": 400, "save_steps": 2}


@pytest.fixture
def plan(tiny_model_dir: Path, tmp_path: Path) -> Plan:
    return small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 24), max_steps=4, save_steps=2)


def failed(run_dir: Path) -> Failed:
    start(run_dir)
    return its_failure(run_dir)


def its_failure(run_dir: Path) -> Failed:
    word = last_word(wait_for_end(run_dir))
    assert isinstance(word, Failed), f"{word}\n{log_tail(run_dir)}"
    assert lock.state(run_dir) is State.FAILED
    assert word.problem.advice
    return word


@fault(
    "The worker is killed in mid-step",
    injected="SIGKILL to a real worker",
    seen="The run is lost, with the signal in words; Resume goes on",
    lost="The steps since the last checkpoint, which are made again to the same bits",
)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_a_killed_worker_is_told_with_its_signal_and_loses_only_the_unfinished_step(
    tiny_model_dir: Path, tmp_path: Path
) -> None:
    plan = small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 24), **LONG)
    run_dir = tmp_path / "run"
    write_run(run_dir, plan)
    start(run_dir)
    wait_until(run_dir, lambda events: len(steps(events)) >= 5)
    kill(run_dir)
    events = read_all(run_dir).events
    assert lock.state(run_dir) is State.LOST
    problem = lock.died(run_dir)
    assert problem.code == "worker.died"
    assert "the system ended it, most likely because memory ran out (SIGKILL)" in problem.fact
    assert not read_all(run_dir, over=True).problems
    done = [s.step for s in steps(events)]
    assert done == list(range(1, len(done) + 1))
    saved = [e for e in events if isinstance(e, Checkpoint)][-1]
    assert Path(saved.path).is_dir()
    assert saved.step >= done[-1] - 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MiB of its own: room for the run's checkpoints, and little else."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs Linux and the right to mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"this system does not let us mount a small disk: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@fault(
    "The disk is too full for a checkpoint",
    injected="A small file system of its own is filled by another file",
    seen="The run ends: what a checkpoint needs, what is free, which one is whole",
    lost="The steps since the last checkpoint; after room was made the run goes on",
)
def test_a_full_disk_ends_the_run_and_keeps_its_last_checkpoint(
    small_disk: Path, tiny_model_dir: Path, tmp_path: Path
) -> None:
    run_dir = small_disk / "run"
    write_run(run_dir, small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 24), **LONG))
    start(run_dir)
    wait_until(run_dir, lambda events: any(isinstance(e, Checkpoint) for e in events))
    room_is_short = shutil.disk_usage(small_disk).free - 8 * MIB  # and not so short that the journal meets it
    (small_disk / "somebody else's").write_bytes(b"x" * room_is_short)
    word = its_failure(run_dir)
    assert word.problem.code == "disk.full"
    assert "is whole" in word.problem.fact
    kept = sorted((run_dir / layout.CHECKPOINTS).iterdir())
    assert kept
    assert all(p.name.startswith("step-") for p in kept)
    (small_disk / "somebody else's").unlink()
    start(run_dir)
    events = wait_until(run_dir, lambda events: isinstance(events[-1], Step) and events[-1].step > word.step)
    assert [e.resumed_from for e in events if isinstance(e, Started)][-1] > 0
    kill(run_dir)


@fault(
    "The disk is full to the last byte",
    injected="A small file system is filled until nothing more goes in",
    seen="The run ends with “the disk is full”, written into a reserve",
    lost="The steps since the last checkpoint",
)
def test_a_disk_filled_to_the_last_byte_still_hears_the_last_word(
    small_disk: Path, tiny_model_dir: Path, tmp_path: Path
) -> None:
    """No checkpoint is due, so the journal itself meets the full disk; its reserve takes the last word."""
    run_dir = small_disk / "run"
    data = make_rows(tmp_path / "rows.jsonl", 24)
    write_run(run_dir, small_plan(tiny_model_dir, data, max_steps=100_000, save_steps=100_000))
    start(run_dir)
    wait_until(run_dir, lambda events: steps(events))
    fill_up(small_disk / "filler")
    word = its_failure(run_dir)
    assert word.problem.code == "disk.full"
    assert steps(read_all(run_dir).events)


def fill_up(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(b"x" * 512):
            pass
    assert shutil.disk_usage(path.parent).free == 0


@fault(
    "Files may not grow",
    injected="`ulimit -f` on a real worker",
    seen="The run ends as with a full disk; no half checkpoint is left",
    lost="The steps since the last checkpoint",
)
@pytest.mark.skipif(sys.platform != "linux", reason="limits of this kind are Linux's")
def test_files_that_may_not_grow_end_the_run_like_a_full_disk(tiny_model_dir: Path, tmp_path: Path) -> None:
    """A limit on file size: the adapter and the journal stay under it, the optimizer's states do not."""
    run_dir = tmp_path / "run"
    data = make_rows(tmp_path / "rows.jsonl", 24)
    write_run(run_dir, small_plan(tiny_model_dir, data, max_steps=4, save_steps=2))
    limited = f"ulimit -f 120; exec {sys.executable} -P -m backends.worker {run_dir}"
    with (run_dir / layout.LOG).open("wb") as log:
        done = subprocess.run(["bash", "-c", limited], env=environment(run_dir), stdout=log, stderr=log, cwd=run_dir)
    assert done.returncode == 1
    word = its_failure(run_dir)
    assert word.problem.code == "disk.full"
    assert word.step == 2
    assert not list((run_dir / layout.CHECKPOINTS).iterdir())


@fault(
    "The journal cannot be written",
    injected="The journal is a link to /dev/full",
    seen="The worker's log and exit code say so",
    lost="The run, before its first step",
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_journal_that_cannot_be_written_is_told_in_the_log_and_by_the_exit_code(plan: Plan, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    write_run(run_dir, plan)
    (run_dir / layout.EVENTS).symlink_to("/dev/full")
    command = [sys.executable, "-P", "-m", "backends.worker", str(run_dir)]
    done = subprocess.run(command, env=environment(run_dir), cwd=run_dir, capture_output=True, text=True)
    assert done.returncode == 2
    assert "The journal could not be written" in done.stderr


@fault(
    "Memory runs out in a step",
    injected="`ulimit -d` on a real worker",
    seen="What was said, what it held, who holds the rest, the smallest change that fits",
    lost="The steps since the last checkpoint",
)
@pytest.mark.skipif(sys.platform != "linux", reason="limits of this kind are Linux's")
def test_memory_that_runs_out_is_told_with_what_was_held(tmp_path: Path) -> None:
    """A limit on the process's data makes torch's own allocation fail, in the middle of a step."""
    model = make_tiny_model(tmp_path / "wide", vocab_size=32_768, n_layers=1)
    data = make_rows(tmp_path / "rows.jsonl", 200)
    choices = (choose(Slot.LOSS, "full_logits"),)
    run_dir = tmp_path / "run"
    write_run(run_dir, small_plan(model, data, *choices, micro_batch=64, max_length=128, max_steps=4))
    limited = f"ulimit -d {1024 * 1024}; exec {sys.executable} -P -m backends.worker {run_dir}"
    with (run_dir / layout.LOG).open("wb") as log:
        done = subprocess.run(["bash", "-c", limited], env=environment(run_dir), stdout=log, stderr=log, cwd=run_dir)
    assert done.returncode == 1, log_tail(run_dir)
    word = its_failure(run_dir)
    assert word.problem.code == "memory.out"
    assert word.phase == "train"
    assert "We said" in word.problem.fact
    assert "It held" in word.problem.fact
    assert "other programs hold" in word.problem.fact
    assert word.problem.advice.startswith("Smallest change that fits what it got: ")
    assert "Traceback" in (run_dir / layout.LOG).read_text()
    assert "Traceback" not in str(word.problem)


@fault(
    "A row is broken after planning",
    injected="The file's seventh line is cut",
    seen="The line by its number, before a library is loaded",
    lost="Nothing",
)
def test_a_row_broken_after_planning_is_named_by_its_line(plan: Plan, tmp_path: Path) -> None:
    write_run(tmp_path / "run", plan)
    lines = Path(plan.data.path).read_text().splitlines()
    lines[6] = lines[6][:-20]
    Path(plan.data.path).write_text("\n".join(lines))
    word = failed(tmp_path / "run")
    assert word.problem.code == "data.row"
    assert "Line 7" in word.problem.fact
    assert word.phase == "check"


@fault(
    "The model's folder is gone before the run",
    injected="The plan names a folder that is not there",
    seen="The folder by its name",
    lost="Nothing",
)
def test_a_model_gone_after_planning_is_named_by_its_folder(plan: Plan, tmp_path: Path) -> None:
    from dataclasses import replace

    gone = replace(plan, model=replace(plan.model, path=str(tmp_path / "gone")))
    write_run(tmp_path / "run", gone)
    word = failed(tmp_path / "run")
    assert word.problem.code == "model.not_found"
    assert str(tmp_path / "gone") in word.problem.fact
    assert word.phase == "check"


@fault(
    "The model's folder may not be read",
    injected="Its rights are taken away, or its path runs through a file",
    seen="The path, and why it cannot be read",
    lost="Nothing",
)
def test_a_folder_that_may_not_be_read_is_a_problem(plan: Plan, tmp_path: Path) -> None:
    """Root may read everything, so the path runs through a file, which nobody can."""
    from dataclasses import replace

    locked = tmp_path / "locked"
    shutil.copytree(plan.model.path, locked)
    target = locked
    if os.name != "nt" and os.geteuid() != 0:
        locked.chmod(0)
    else:
        target = locked / "config.json" / "inside"
    write_run(tmp_path / "run", replace(plan, model=replace(plan.model, path=str(target))))
    word = failed(tmp_path / "run")
    locked.chmod(0o755)
    assert word.problem.code in ("model.unreadable", "model.not_found")
    assert str(target) in word.problem.fact


@fault(
    "The weights are cut short",
    injected="The last 1,000 bytes of the real file are taken off",
    seen="That the download is incomplete",
    lost="Nothing",
)
def test_weights_that_are_cut_short_are_a_problem(plan: Plan, tmp_path: Path) -> None:
    from dataclasses import replace

    model = tmp_path / "cut"
    shutil.copytree(plan.model.path, model)
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    write_run(tmp_path / "run", replace(plan, model=replace(plan.model, path=str(model))))
    word = failed(tmp_path / "run")
    assert word.problem.code.startswith("model.")


@fault(
    "The run's spec is damaged",
    injected="spec.json lacks its plan",
    seen="What is missing in it",
    lost="Nothing that was learned",
)
def test_a_damaged_spec_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / layout.SPEC).write_text('{"job": "train", "schema": 1}')
    word = failed(tmp_path)
    assert word.phase == "start"
    assert word.problem.code in ("plan.damaged", "spec.damaged")


@fault(
    "Power cut: result, last checkpoint and the journal's end are lost",
    injected="They are cut or removed after a real run",
    seen="A damaged line is told; the run goes on",
    lost="One line of the journal; the adapter is the same to the byte",
)
def test_a_lost_result_and_a_cut_journal_cost_no_step_and_no_run(plan: Plan, tmp_path: Path) -> None:
    """First only the result is gone; then, as after a power cut, the journal's end and the last checkpoint as well."""
    run_dir = tmp_path / "run"
    write_run(run_dir, plan)
    start(run_dir)
    whole = last_word(wait_for_end(run_dir))
    assert isinstance(whole, Finished)

    shutil.rmtree(run_dir / layout.RESULT)
    start(run_dir)
    events = wait_for_end(run_dir)
    again = last_word(events)
    assert isinstance(again, Finished)
    assert (again.sha256, again.step) == (whole.sha256, 4)
    assert [e.step for e in events if isinstance(e, Step)] == [1, 2, 3, 4], "a step too many"

    path = run_dir / layout.EVENTS
    text = path.read_bytes()
    path.write_bytes(text[: text.index(b'"step": 3, "total') + 5])
    shutil.rmtree(run_dir / layout.CHECKPOINTS / "step-4")
    shutil.rmtree(run_dir / layout.RESULT)
    assert lock.state(run_dir) is State.LOST
    start(run_dir)
    again = last_word(wait_for_end(run_dir))
    assert isinstance(again, Finished)
    assert again.sha256 == whole.sha256
    reading = read_all(run_dir, over=True)
    assert [p.code for p in reading.problems] == ["journal.damaged_line"]
    assert [s.step for s in steps(reading.events)] == [1, 2, 3, 4]


@fault(
    "Another model lies in the model's folder",
    injected="The folder is replaced by a model of another depth",
    seen="What differs, before anything is loaded",
    lost="Nothing",
)
def test_another_model_in_the_folder_is_refused_when_a_run_goes_on(tiny_model_dir: Path, tmp_path: Path) -> None:
    model, run_dir = tmp_path / "model", tmp_path / "run"
    shutil.copytree(tiny_model_dir, model)
    write_run(run_dir, small_plan(model, make_rows(tmp_path / "rows.jsonl", 24)))
    shutil.rmtree(model)
    make_tiny_model(model, n_layers=1)
    word = failed(run_dir)
    assert word.problem.code == "model.changed"
    assert "n_layers 1" in word.problem.fact


@fault(
    "The data file changed, and the chat template raises",
    injected="One character is replaced; the template raises for questions",
    seen="Two notes in the log; the run goes on",
    lost="The sample answers",
)
def test_a_changed_file_and_a_template_that_raises_are_told_and_end_nothing(
    tiny_model_dir: Path, tmp_path: Path
) -> None:
    """The file keeps its size and rows; the template takes whole talks, and no question that waits for an answer."""
    model, run_dir = tmp_path / "model", tmp_path / "run"
    shutil.copytree(tiny_model_dir, model)
    template = model / "chat_template.jinja"
    template.write_text("{% if add_generation_prompt %}{{ raise_exception('no') }}{% endif %}" + template.read_text())
    rows = make_rows(tmp_path / "rows.jsonl", 24)
    write_run(run_dir, small_plan(model, rows), sample_prompt="hello?")
    text = rows.read_text()
    at = text.rindex('"content": "') + len('"content": "')
    rows.write_text(text[:at] + "#" + text[at + 1 :])
    assert rows.read_text() != text
    start(run_dir)
    events = wait_for_end(run_dir)
    assert isinstance(last_word(events), Finished), log_tail(run_dir)
    told = [e.text for e in events if isinstance(e, Note)]
    assert told == [
        "The data file has changed since the run was planned.",
        "The model gave no sample answer: no",
        "The model gave no sample answer: no",
    ]
