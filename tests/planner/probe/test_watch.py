"""One lasting child answers again and again; one that hangs is killed, told, and left alone for a while."""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from planner.probe import host, stay, watch
from planner.probe.machine import Said
from planner.probe.watch import Watch
from tests.faults import fault

PYTHON = [sys.executable, "-c"]
GIB = 1024**3


@pytest.mark.alone
def test_one_child_answers_again_and_again_and_ends_when_it_is_not_needed(tmp_path: Path) -> None:
    watching = Watch(tmp_path)
    try:
        first = watching.machine()
        assert first.ram_total_bytes > 0
        assert first.disk_free_bytes > 0
        child = watching._child
        assert child is not None
        began = time.perf_counter()
        again = watching.machine()
        assert time.perf_counter() - began < 1.0
        assert watching._child is child
        assert again.devices[-1].total_bytes == first.devices[-1].total_bytes
    finally:
        watching.close()
    assert child.wait(timeout=5) is not None
    assert watching._child is None


@fault(
    "A driver hangs while free memory is followed",
    injected="A real process that never answers, breaks off, or prints junk",
    seen="Which part did not answer; the rest is shown, and it is asked seldom from then on",
    lost="That part's figures",
)
@pytest.mark.parametrize(
    "program",
    [
        "import threading; threading.Event().wait()",  # a driver that hangs
        "raise SystemExit(3)",
        "print('rubbish', flush=True); import threading; threading.Event().wait()",
        "print('{}', flush=True); import threading; threading.Event().wait()",
    ],
)
def test_a_child_that_does_not_answer_is_killed_and_the_single_probes_tell(tmp_path: Path, program: str) -> None:
    watching = Watch(tmp_path, [*PYTHON, program], limit_s=0.6)
    single: dict[str, Said] = {"host": {"ram_total_bytes": 5}, "nvidia": "it did not answer within 2 s"}
    watching._alone = lambda: dict(single)
    began = time.perf_counter()
    found = watching.machine()
    assert time.perf_counter() - began < 3
    assert found.notes == ("Looking at NVIDIA devices failed: it did not answer within 2 s.",)
    assert watching._child is None
    assert watching.resting


def test_after_it_hung_the_child_is_asked_again_only_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])
    watching = Watch(tmp_path, ["absent"])
    asked: list[str] = []
    monkeypatch.setattr(watching, "_asked", lambda: asked.append("child") or None)
    watching._alone = lambda: asked.append("single") or {}
    for at in (100.0, 110.0, 159.0, 161.0):
        clock[0] = at
        watching.machine()
    assert asked == ["child", "single", "single", "single", "child", "single"]


def test_who_holds_memory_is_looked_for_when_much_has_changed_or_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    free, clock, looked = [16 * GIB], [0.0], [0]

    def probe(_own: str) -> dict[str, Any]:
        looked[0] += 1
        return {**memory(), "holders": [{"name": "browser", "bytes": looked[0]}]}

    def memory() -> dict[str, Any]:
        return {"ram_total_bytes": 32 * GIB, "ram_available_bytes": free[0]}

    monkeypatch.setattr(host, "probe", probe)
    monkeypatch.setattr(host, "memory", memory)
    staying = stay.Staying("", "0", lambda: clock[0])
    for seconds, available, times in (
        (0, 16 * GIB, 1),
        (3, 16 * GIB - 1000, 1),
        (6, 15 * GIB, 2),
        (9, 15 * GIB, 2),
        (19, 15 * GIB, 3),
    ):
        clock[0], free[0] = seconds, available
        told = staying.answer(["host"])["host"]
        assert isinstance(told, dict)
        assert told["ram_available_bytes"] == available
        assert told["holders"] == [{"name": "browser", "bytes": times}]


def test_a_probe_that_fails_costs_its_part_of_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("a library that is not well")

    monkeypatch.setattr("planner.probe.nvidia.probe", broken)
    out = io.StringIO()
    assert stay.main([str(tmp_path), "0"], io.StringIO('["disk", "nvidia"]\n["disk"]\n'), out) == 0
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert first["disk"]["free_bytes"] > 0
    assert first["nvidia"] == "it failed with RuntimeError"
    assert set(second) == {"disk"}
