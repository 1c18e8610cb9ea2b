"""`plimsoll watch` tells a real process's memory beside a plan's figures, until it ends or the time is over."""

from __future__ import annotations

import json
import os
import threading

import pytest

from app.cli.main import main
from planner.units import MIB
from tests.holding import holding


def test_readings_are_json_lines_with_the_plans_figures(capsys: pytest.CaptureFixture[str]) -> None:
    with holding() as child:
        child.hold(48)
        assert main(["watch", str(child.pid), "--preset", "first-run", "--seconds", "0.3", "--json"]) == 0
    first, *_, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["pid"] == child.pid
    assert first["bytes"] > 48 * MIB
    assert first["said"]["low"] < first["said"]["expected"] < first["said"]["high"]
    assert not last["ended"]
    assert "that this plan says" in last["sentence"]


def test_the_end_of_the_process_ends_the_watch(capsys: pytest.CaptureFixture[str]) -> None:
    with holding() as child:
        child.hold(48)
        threading.Timer(0.3, child.end).start()
        assert main(["watch", str(child.pid)]) == 0
    assert "has ended; it held at most" in capsys.readouterr().out


def test_a_number_that_nobody_has_is_told_with_advice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(2**22 + 1)]) == 2
    told = capsys.readouterr().err
    assert "watch.no_such_process" in told


@pytest.mark.parametrize("arguments", [["x"], [], [str(os.getpid()), "--seconds", "never"]])
def test_what_cannot_be_meant_is_wrong_use(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["watch", *arguments])
    assert ended.value.code == 2


def test_a_change_without_a_plan_is_wrong_use_and_not_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(os.getpid()), "--set", "schedule.micro_batch=2", "--seconds", "0.1"]) == 2
    assert "cli.no_plan" in capsys.readouterr().err


def test_without_a_plan_no_plan_is_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(os.getpid()), "--seconds", "0.1", "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "plan" not in last["sentence"] + last["remark"]
