"""Unsaved plans outlive the window that held them: each window has a copy of its own, and none is lost to another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app import recovery
from planner.plan import Plan
from planner.problem import ProblemError
from tests.faults import fault

MakePlan = Callable[..., Plan]
KEEPER = """
import sys
from pathlib import Path
from app import recovery
from planner.plan_file import load_plan
copy = recovery.Copy()
copy.keep(load_plan(Path(sys.argv[1])), None)
print("kept", flush=True)
sys.stdin.read()
"""


def test_an_unsaved_plan_comes_back_equal_when_its_window_is_gone(make_plan: MakePlan) -> None:
    plan, copy = make_plan(), recovery.Copy()
    copy.keep(plan, Path("/somewhere/a.json"))
    assert recovery.left_behind() == ((), None), "the window is still open"
    copy.close()
    (left,), problem = recovery.left_behind()
    assert (left.plan, left.path, problem) == (plan, Path("/somewhere/a.json"), None)


@fault(
    "Two windows with unsaved plans",
    injected="Two copies are kept at once",
    seen="Each its own",
    lost="Nothing",
)
def test_two_windows_keep_two_copies_and_neither_sees_the_others(make_plan: MakePlan) -> None:
    one, other = recovery.Copy(), recovery.Copy()
    one.keep(make_plan(free_gib=1.0), None)
    other.keep(make_plan(free_gib=2.0), None)
    assert one.file != other.file
    one.drop()
    assert other.file is not None
    assert recovery.read(other.file).plan == make_plan(free_gib=2.0)


def test_a_copy_that_was_taken_over_is_no_other_windows(make_plan: MakePlan) -> None:
    gone = recovery.Copy()
    gone.keep(make_plan(), None)
    gone.close()
    (left,), _ = recovery.left_behind()
    one, other = recovery.Copy(), recovery.Copy()
    assert one.take_over(left)
    assert not other.take_over(left)
    assert recovery.waiting() == []
    one.drop()
    assert not left.copy.exists()


@fault(
    "The window is killed with an unsaved plan",
    injected="SIGKILL to a process that holds one",
    seen="The next window opens with it, unsaved",
    lost="Nothing",
)
def test_a_killed_windows_plan_is_found_by_the_next_one(make_plan: MakePlan, tmp_path: Path) -> None:
    from planner.plan_file import save_plan

    save_plan(make_plan(), tmp_path / "plan.json")
    command = [sys.executable, "-c", KEEPER, str(tmp_path / "plan.json")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ) as window:
        assert window.stdout is not None
        assert window.stdout.readline() == "kept\n"
        assert recovery.waiting() == []
        window.send_signal(signal.SIGKILL)
    (left,), _ = recovery.left_behind()
    assert left.plan == make_plan()


@fault(
    "The copy of an unsaved plan is damaged",
    injected="Its text is replaced by junk",
    seen="A problem that names where it was set aside; other copies open",
    lost="That plan's last changes, if the file holds nothing readable",
)
@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"path": 3, "plan": {}}', '{"plan": null, "path": ""}', "\0", "[" * 9999]
)
def test_a_damaged_copy_is_told_set_aside_and_hides_no_other(text: str, make_plan: MakePlan) -> None:
    copy = recovery.Copy()
    copy.keep(make_plan(), None)
    copy.close()
    damaged = recovery.folder() / "7.json"
    damaged.write_text(text)
    lefts, problem = recovery.left_behind()
    assert [left.plan for left in lefts] == [make_plan()]
    assert problem is not None
    assert problem.code == "plan.copy_damaged"
    assert damaged.with_suffix(".damaged").read_text() == text
    assert recovery.left_behind()[1] is None, "told once"


def test_a_home_that_cannot_be_written_is_a_problem(own_home: Path, make_plan: MakePlan) -> None:
    own_home.write_text("in the way")
    with pytest.raises(ProblemError) as told:
        recovery.Copy().keep(make_plan(), None)
    assert told.value.problem.code == "file.not_written"
    assert recovery.left_behind() == ((), None)
