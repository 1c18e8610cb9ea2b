"""A process is looked at from outside: what it holds is counted as the worker counts its own, and no secret is shown."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from planner.probe import process as probe
from planner.probe.command_line import MASK, SHOWN_LETTERS, shown_command
from planner.probe.nvml_pids import UNTOLD, held_by_pid
from planner.probe.process import Watched, candidates, has_torch, own_bytes
from planner.problem import ProblemError
from planner.units import MIB
from tests.holding import holding


def code_of(error: pytest.ExceptionInfo[ProblemError]) -> str:
    return error.value.problem.code


def test_what_is_taken_and_given_back_is_seen_and_the_end_is_told() -> None:
    with holding() as child:
        watched = Watched(child.pid)
        before = watched.read().bytes
        child.hold(64)
        held = watched.read().bytes
        child.hold(0)
        after = watched.read().bytes
    assert held - before == pytest.approx(64 * MIB, abs=2 * MIB)
    assert after - before < 2 * MIB
    with pytest.raises(ProblemError) as told:
        watched.read()
    assert code_of(told) == "watch.has_ended"


@pytest.mark.skipif(sys.platform != "linux", reason="RssAnon is Linux's")
def test_it_counts_as_the_worker_counts_its_own_memory() -> None:
    from backends.meter import process_bytes

    mine = own_bytes(os.getpid(), psutil.Process())
    assert mine == pytest.approx(process_bytes(), abs=2 * MIB)


def test_children_are_added_up_when_that_is_asked() -> None:
    with holding() as child:
        child.hold(32)
        watched = Watched(os.getpid())
        alone, together = watched.read(), watched.read(children=True)
    assert alone.processes == 1
    assert together.processes >= 2
    assert together.bytes - alone.bytes > 32 * MIB


def test_a_number_that_nobody_has_is_a_problem() -> None:
    for pid in (2**22 + 1, -3, 2**70):
        with pytest.raises(ProblemError) as told:
            Watched(pid)
        assert code_of(told) == "watch.no_such_process"


def test_a_number_given_again_is_not_the_process_that_was_chosen() -> None:
    with pytest.raises(ProblemError) as told:
        Watched(os.getpid(), psutil.Process().create_time() - 60)
    assert code_of(told) == "watch.number_given_again"
    Watched(os.getpid(), psutil.Process().create_time())


@pytest.mark.skipif(sys.platform == "win32", reason="there are no zombies")
def test_a_process_that_is_over_and_not_yet_buried_has_ended() -> None:
    with holding() as child:
        watched = Watched(child.pid)
        child.finish()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        for look in (watched.read, lambda: Watched(child.pid)):
            with pytest.raises(ProblemError) as told:
                look()
            assert code_of(told) == "watch.has_ended"


@pytest.mark.parametrize("refusal", [PermissionError(13, "no"), psutil.AccessDenied(1)])
def test_somebody_elses_process_is_a_problem_not_a_crash(monkeypatch: pytest.MonkeyPatch, refusal: Exception) -> None:
    def refuse(*_given: object) -> int:
        raise refusal

    monkeypatch.setattr(probe, "own_bytes", refuse)
    with pytest.raises(ProblemError) as told:
        Watched(os.getpid())
    assert code_of(told) == "watch.not_permitted"


def test_a_kernel_that_does_not_part_file_pages_gives_what_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("Name:\tx\nVmRSS:\t900 kB\n")
    memory = SimpleNamespace(rss=900, shared=200)
    process = SimpleNamespace(memory_info=lambda: memory, memory_full_info=lambda: SimpleNamespace(uss=700))
    assert own_bytes(7, process, tmp_path) == 700


def test_the_list_has_python_first_and_ourselves_not() -> None:
    with holding("--token", "hf_abcdefghijklmnop") as child:
        child.hold(40)
        found = candidates()
        mine = next(c for c in found if c.pid == child.pid)
        assert Watched(mine.pid, mine.started).name == mine.name
    assert os.getpid() not in {c.pid for c in found}
    assert mine.python
    assert mine.bytes > 40 * MIB
    assert "hf_" not in mine.command
    assert list(found) == sorted(found, key=lambda c: (not c.torch, not c.python, -c.bytes))


def test_torch_is_seen_by_its_library(tmp_path: Path) -> None:
    for pid, text in ((1, "7f00 r-xp /x/torch/lib/libtorch_cpu.so\n"), (2, "7f00 r-xp /x/libm.so\n")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "maps").write_text(text)
    assert has_torch(1, tmp_path)
    assert not has_torch(2, tmp_path)
    assert not has_torch(3, tmp_path)


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        (["run.py", "--hf-token", "abcdef"], "abcdef"),
        (["run.py", "--hf_token=abcdef"], "abcdef"),
        (["env", "WANDB_API_KEY=abcdef", "python"], "abcdef"),
        (["run.py", "--authToken", "abcdef"], "abcdef"),
        (["run.py", "--password", "hunter2"], "hunter2"),
        (["run.py", "-secret", "-abcdef"], "-abcdef"),
        (["run.py", "hf_AbCdEfGhIjKl"], "AbCd"),
        (["run.py", "--x=ghp_AbCdEfGhIjKl123"], "AbCd"),
        (["run.py", "gsk_AbCdEfGhIjKlMnOpQr"], "AbCd"),
        (["clone", "https://me:hunter2@host/x"], "hunter2"),
        (["get", "https://host/x?signature=abcdef"], "abcdef"),
        (["run.py", "--x", "a1b2c3d4e5f6a7b8c9d0e1f2"], "a1b2"),
        (["/home/someone/bin/python", "/home/someone/x/train.py"], "someone"),
    ],
)
def test_what_looks_like_a_secret_is_masked(words: list[str], secret: str) -> None:
    assert secret not in shown_command(words)


def test_what_names_a_run_is_left_readable() -> None:
    words = ["/usr/bin/python3.11", "train.py", "--model=meta-llama/Llama-3.2-3B"]
    words += ["--tokenizer", "gpt2", "20261124-122422-smollm2-135m-instruct"]
    assert shown_command(words) == f"python3.11 {' '.join(words[1:])}"
    long = shown_command(["python", "x" * 15 + " "] * 40)
    assert len(long) == SHOWN_LETTERS
    assert long.endswith("…")
    assert MASK not in long


class Nvml:
    """Two cards as the driver tells of them; a process that computes and draws is told twice."""

    class NVMLError(Exception):
        """What pynvml raises."""

    def __init__(self, *, draws: bool = True) -> None:
        self.draws = draws

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetComputeRunningProcesses(self, card: int) -> list[Any]:
        held = [[(4711, 3000), (9, 50)], [(4711, 200)]][card]
        return [SimpleNamespace(pid=pid, usedGpuMemory=n) for pid, n in held]

    def nvmlDeviceGetGraphicsRunningProcesses(self, card: int) -> list[Any]:
        if not self.draws:
            raise self.NVMLError
        return [SimpleNamespace(pid=4711, usedGpuMemory=3000), SimpleNamespace(pid=8, usedGpuMemory=None)] * (1 - card)


def test_cards_are_added_up_and_no_process_is_counted_twice() -> None:
    assert held_by_pid(Nvml()) == {4711: 3200, 9: 50, 8: UNTOLD}
    assert held_by_pid(Nvml(draws=False)) == {4711: 3200, 9: 50}


def test_what_a_process_holds_of_cards_is_read_with_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "held_by_pid", lambda: {os.getpid(): 77, 1: 5})
    assert Watched(os.getpid()).read().device_bytes == 77
    monkeypatch.setattr(probe, "held_by_pid", lambda: None)
    assert Watched(os.getpid()).read().device_bytes == -1


def test_a_driver_that_does_not_know_this_process_says_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for told, expected in (
        ({}, 0),  # no process holds anything
        ({1: 5}, 0),  # another one does
        ({2**22 + 1: 5}, -1),  # numbers of another system: ours may be among them
        ({os.getpid(): UNTOLD}, -1),
        ({os.getpid(): 7, 2**22 + 1: 5}, 7),
    ):
        monkeypatch.setattr(probe, "held_by_pid", lambda told=told: told)
        assert Watched(os.getpid()).read().device_bytes == expected
