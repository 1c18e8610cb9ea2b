"""Commands as files: the order sent is the order taken, and what is no command is set aside with a Problem."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.run import inbox, layout
from planner.run.inbox import VERBS, Command
from tests.faults import fault


def test_commands_are_taken_once_and_in_order(tmp_path: Path) -> None:
    sent = [Command(verb, f"{i}") for i, verb in enumerate(VERBS * 3)]
    for command in sent:
        inbox.send(tmp_path, command.verb, command.say)
    assert inbox.take(tmp_path) == (sent, [])
    assert inbox.take(tmp_path) == ([], [])


def test_an_empty_or_missing_inbox_holds_nothing(tmp_path: Path) -> None:
    assert inbox.take(tmp_path) == ([], [])


def test_a_half_written_command_is_not_seen(tmp_path: Path) -> None:
    inbox.send(tmp_path, "pause")
    (tmp_path / layout.INBOX / ".0000-not-renamed-yet").write_text('{"verb": "st')
    assert inbox.take(tmp_path) == ([Command("pause")], [])


def test_an_unknown_verb_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown command"):
        inbox.send(tmp_path, "explode")


@given(st.one_of(st.binary(max_size=200), st.just(b'{"verb": "explode"}'), st.just(b'{"verb": "stop", "say": 3}')))
def test_junk_is_reported_removed_and_never_obeyed(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    run_dir = tmp_path_factory.mktemp("run")
    inbox.send(run_dir, "pause")
    (run_dir / layout.INBOX / "1-junk").write_bytes(junk)
    commands, problems = inbox.take(run_dir)
    assert commands == [Command("pause")]
    assert [p.code for p in problems] == ["inbox.not_a_command"]
    assert not list((run_dir / layout.INBOX).iterdir())


@fault(
    "Junk lies in a run's inbox",
    injected="A folder, a pipe and a device are put there",
    seen="A note, once; nothing is obeyed, nobody waits",
    lost="Nothing",
)
@pytest.mark.skipif(sys.platform == "win32", reason="pipes in folders and links for everyone are POSIX's")
def test_a_folder_a_pipe_and_a_device_are_told_once_and_hold_nobody_up(tmp_path: Path) -> None:
    inbox.send(tmp_path, "pause")
    (tmp_path / layout.INBOX / "0-folder").mkdir()
    os.mkfifo(tmp_path / layout.INBOX / "1-pipe")
    (tmp_path / layout.INBOX / "2-device").symlink_to("/dev/zero")
    commands, problems = inbox.take(tmp_path)
    assert commands == [Command("pause")]
    assert [p.code for p in problems] == ["inbox.not_a_command"] * 3
    assert inbox.take(tmp_path) == ([], [])


def test_only_what_waited_for_an_earlier_worker_is_forgotten(tmp_path: Path) -> None:
    inbox.send(tmp_path, "release")
    left_over = inbox.waiting(tmp_path)
    inbox.send(tmp_path, "stop")
    inbox.forget(tmp_path, left_over)
    assert inbox.take(tmp_path) == ([Command("stop")], [])
