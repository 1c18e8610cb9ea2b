"""`plimsoll run` drives a real worker: events as they come, Ctrl-C, a killed worker, a reader that leaves, resume."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import app
from planner.plan_file import load_spec
from planner.run import events, layout, lock
from planner.run.journal import last_word, read_all
from tests.small_run import wait_for_end, wait_until
from tests.tiny_model import make_rows

pytest.importorskip("torch", reason="needs the [train] extra")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of this kind are POSIX")

ROOT = Path(app.__file__).parent.parent
TAGS = set(events.TYPES)


@pytest.fixture
def command(tiny_model_dir: Path, tmp_path: Path) -> list[str]:
    """`run` of the example's plan on the two-layer model, with short rows."""
    rows = make_rows(tmp_path / "rows.jsonl")
    changes = [f"model={tiny_model_dir}", f"data={rows}", "schedule.max_length=64", "schedule.threads=1"]
    sets = [word for change in changes for word in ("--set", change)]
    return [sys.executable, "-m", "app", "run", "--preset", "first-run", *sets, "--out", str(tmp_path / "run")]


Front = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: the rows are the same in every test, and are counted once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def started(tmp_path: Path, home: Path) -> Iterator[Front]:
    """Starts the command line; afterwards its pipes are closed and no worker of the test is left."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PLIMSOLL_HOME": str(home)}
    with contextlib.ExitStack() as stack:

        def start(*command: str) -> subprocess.Popen[str]:
            pipe = subprocess.PIPE
            # as from a terminal: a shell that started these tests in the background lets Ctrl-C be ignored
            before = signal.signal(signal.SIGINT, signal.SIG_DFL)
            try:
                process = subprocess.Popen(command, cwd=tmp_path, env=env, text=True, stdout=pipe, stderr=pipe)
            finally:
                signal.signal(signal.SIGINT, before)
            return stack.enter_context(process)

        yield start
        if lock.is_held(tmp_path / "run"):
            os.kill(lock.holder_pid(tmp_path / "run"), signal.SIGKILL)


def told(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout
    for line in process.stdout:
        yield json.loads(line)


def until_step(process: subprocess.Popen[str], step: int) -> list[dict[str, Any]]:
    seen = []
    for event in told(process):
        seen.append(event)
        if event["event"] == "step" and event["step"] >= step:
            return seen
    raise AssertionError(f"no step {step}: {process.stderr.read() if process.stderr else ''}")


def test_run_prints_the_journal_as_json_and_exits_with_0(command: list[str], started: Front, tmp_path: Path) -> None:
    process = started(*command, "--json", "--max-steps", "3")
    seen = list(told(process))
    assert process.wait(timeout=60) == 0
    assert {event["event"] for event in seen} <= TAGS
    assert seen[-1]["event"] == "finished"
    assert [e["step"] for e in seen if e["event"] == "step"] == [1, 2, 3]
    written = read_all(tmp_path / "run", over=True).events
    assert [e["event"] for e in seen] == [e.tag for e in written][: len(seen)]
    assert (tmp_path / "run" / layout.RESULT / "adapter_model.safetensors").is_file()

    again = started(*command, "--json")
    _, err = again.communicate(timeout=60)
    assert (again.returncode, json.loads(err.splitlines()[-1])["problem"]["code"]) == (2, "run.folder_in_use")
    resumed = started(*command[:4], "--resume", str(tmp_path / "run"), "--json")
    _, err = resumed.communicate(timeout=60)
    assert (resumed.returncode, json.loads(err.splitlines()[-1])["problem"]["code"]) == (2, "run.already_done")


def test_ctrl_c_stops_and_saves_and_exits_with_0(command: list[str], started: Front, tmp_path: Path) -> None:
    process = started(*command, "--json", "--max-steps", "100000")
    until_step(process, 2)
    process.send_signal(signal.SIGINT)
    rest = list(told(process))
    assert process.wait(timeout=60) == 0
    assert (rest[-1]["event"], rest[-1]["outcome"]) == ("finished", "stopped")
    assert (tmp_path / "run" / layout.RESULT / "adapter_model.safetensors").is_file()


def test_a_killed_worker_exits_with_1_and_the_run_can_be_resumed(
    command: list[str], started: Front, tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    process = started(*command, "--json", "--max-steps", "30", "--set", "schedule.save_steps=2")
    until_step(process, 5)
    os.kill(lock.holder_pid(run_dir), signal.SIGKILL)
    list(told(process))
    assert process.wait(timeout=60) == 1
    assert process.stderr
    said = json.loads(process.stderr.read().splitlines()[-1])["problem"]
    assert said["code"] == "worker.died"
    assert "SIGKILL" in said["fact"]

    resumed = started(*command[:4], "--resume", str(run_dir), "--json")
    seen = list(told(resumed))
    assert resumed.wait(timeout=60) == 0
    (start,) = [e for e in seen if e["event"] == "started"]
    assert start["resumed_from"] >= 2
    assert (seen[-1]["event"], seen[-1]["step"]) == ("finished", 30)


def test_the_run_goes_on_when_the_reader_leaves_or_the_view_is_killed(
    command: list[str], started: Front, tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    process = started(*command, "--json", "--max-steps", "40")
    until_step(process, 2)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert "Traceback" not in process.stderr.read()
    wait_until(run_dir, lambda seen: isinstance(last_word(seen), events.Finished))
    word = last_word(wait_for_end(run_dir))
    assert isinstance(word, events.Finished)
    assert (word.outcome, word.step) == ("done", 40)


def test_a_run_in_words_ends_with_what_was_said_and_what_it_took(
    command: list[str], started: Front, tmp_path: Path
) -> None:
    process = started(*command, "--max-steps", "2")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "step 2/2  loss" in out
    assert "We said " in out
    assert "It took " in out
    run_dir = tmp_path / "run"
    assert load_spec(run_dir / layout.SPEC).plan.data.lengths_from == "counted", (
        "what was said is of the batch that comes"
    )
