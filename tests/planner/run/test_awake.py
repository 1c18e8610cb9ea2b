"""What keeps the computer from sleeping belongs to the run. No such daemon is here: programs that record stand in for it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from planner.run import awake, layout, lock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has a call for it, and no program")
LONGEST_S = 30.0


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs before all others; `systemd-inhibit` notes its words, then does what it was asked to run."""
    folder = tmp_path / "programs"
    folder.mkdir()
    write(folder / "systemd-inhibit", f'echo "$@" > {tmp_path}/asked; shift 4; "$@"; echo over > {tmp_path}/over')
    write(folder / "caffeinate", "exit 0")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def write(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is Linux's")
def test_the_wish_lasts_as_long_as_the_run_and_no_longer(programs: Path, tmp_path: Path) -> None:
    run_dir = tmp_path / "a run"
    run_dir.mkdir()
    worker = lock.Lock(run_dir)
    awake.while_it_runs(run_dir, os.getpid())
    until(tmp_path / "asked")
    assert "--what=sleep:idle" in (tmp_path / "asked").read_text()
    assert not (tmp_path / "over").exists()
    worker.release()
    until(tmp_path / "over")


def until(path: Path) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not path.exists() or not path.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_each_system_is_asked_in_its_own_words_and_one_that_has_none_is_left_alone(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert awake.command(tmp_path, 42, "darwin")[-2:] == ["-w", "42"]
    linux = awake.command(tmp_path, 42, "linux")
    assert linux[0] == str(programs / "systemd-inhibit")
    assert str(tmp_path / layout.ALIVE) in linux or "--pid=42" in linux
    assert awake.command(tmp_path, 42, "freebsd14") == []
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert awake.command(tmp_path, 42, "linux") == []
    awake.while_it_runs(tmp_path, 42)
