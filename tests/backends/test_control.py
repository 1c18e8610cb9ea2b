"""What a person asks of a running training, without a training: the inbox read between two micro-steps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.control import Control
from backends.report import Report
from planner.run import inbox, layout
from planner.run.events import Note, Phase
from planner.run.journal import read_all
from planner.units import GIB


@pytest.fixture
def report(tmp_path: Path) -> Iterator[Report]:
    made = Report(tmp_path)
    made.phase("train")
    yield made
    made.close()


def control_of(report: Report, answered: list[str] | None = None) -> Control:
    return Control(report, lambda: 2 * GIB, (answered if answered is not None else []).append)


def test_nothing_asked_costs_no_event(report: Report) -> None:
    control_of(report).between_micro_steps()
    assert len(read_all(report.run_dir).events) == 1


def test_a_paused_run_waits_for_resume_answers_meanwhile_and_says_what_it_keeps(report: Report) -> None:
    answered: list[str] = []
    control = control_of(report, answered)
    inbox.send(report.run_dir, "pause")
    inbox.send(report.run_dir, "sample", "hello?")
    waiting = threading.Thread(target=control.between_micro_steps)
    waiting.start()
    waiting.join(timeout=0.3)
    assert waiting.is_alive()
    inbox.send(report.run_dir, "resume")
    waiting.join(timeout=10)
    assert not waiting.is_alive()
    assert answered == ["hello?"]
    phases = [(e.phase, e.detail) for e in read_all(report.run_dir).events if isinstance(e, Phase)]
    assert phases == [("train", ""), ("paused", "It keeps 2.00 GiB; release gives them back."), ("train", "")]
    assert control.idle_s >= 0.2


@pytest.mark.parametrize(("verb", "ending"), [("stop", "stopped"), ("release", "released")])
def test_an_ending_lets_a_paused_run_finish_its_step(report: Report, verb: str, ending: str) -> None:
    control = control_of(report)
    for command in ("pause", verb):
        inbox.send(report.run_dir, command)
    control.between_micro_steps()
    assert control.ending == ending


def test_a_signal_is_a_release_also_of_a_paused_run(report: Report) -> None:
    control = control_of(report)
    inbox.send(report.run_dir, "pause")
    waiting = threading.Thread(target=control.between_micro_steps)
    waiting.start()
    control.ask_to_release()
    waiting.join(timeout=10)
    assert not waiting.is_alive()
    assert control.ending == "released"


def test_junk_in_the_inbox_is_told_and_ends_nothing(report: Report) -> None:
    control = control_of(report)
    inbox.send(report.run_dir, "checkpoint")
    (report.run_dir / layout.INBOX / "0-junk").write_text("rm -rf /")
    control.between_micro_steps()
    assert control.wants_checkpoint
    assert not control.ending
    notes = [e for e in read_all(report.run_dir).events if isinstance(e, Note)]
    assert [n.level for n in notes] == ["warning"]
    assert "0-junk" in notes[0].text


def test_a_signal_that_could_not_be_obeyed_is_not_heard_again_at_each_step(report: Report) -> None:
    control = control_of(report)
    control.ask_to_release()
    control.look()
    assert control.ending == "released"
    control.ending = ""  # as after a checkpoint for which the disk had no room
    control.look()
    assert control.ending == ""
