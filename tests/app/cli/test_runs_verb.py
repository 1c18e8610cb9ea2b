"""`plimsoll runs`: the same words as on the Runs page, for terminals and for other programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli.exits import Exit
from app.cli.main import main
from planner.run import about
from planner.run.about import About
from planner.run.home import runs_dir
from tests.run_folders import BEGAN, a_plan, finished_folder, out_of_memory, run_folder, session


@pytest.fixture(autouse=True)
def three_runs() -> None:
    plan = a_plan()
    finished_folder(runs_dir() / "20260101-a", share=1.02)
    other = plan.with_schedule(replace(plan.stage.schedule, micro_batch=2))
    finished_folder(runs_dir() / "20260102-b", other, at=BEGAN + 10)
    run_folder(runs_dir() / "20260103-c", [*session(2, at=BEGAN + 20), out_of_memory(BEGAN + 23)])
    about.write(runs_dir() / "20260103-c", About("The large one", ("keep",), "Too large."))


def test_the_list_has_a_line_for_each_run_the_newest_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == Exit.OK
    head, _columns, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("3 runs: 2 done, 1 failed.")
    assert [row.split()[0] for row in rows] == ["20260103-c", "20260102-b", "20260101-a"]
    assert "failed" in rows[0]
    assert "+2.0 %" in rows[2]


def test_a_search_leaves_what_has_every_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--search", "KEEP failed", "--json"]) == Exit.OK
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    assert (found["name"], found["state"], found["problem_code"]) == ("The large one", "failed", "memory.out")
    assert main(["runs", "--search", "nothing like it", "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["runs"] == []


def test_one_run_is_told_by_folder_name_or_how_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for which in ("20260103-c", "The large one", "The la", str(runs_dir() / "20260103-c") + "/"):
        assert main(["runs", "show", which]) == Exit.OK
        told.append(capsys.readouterr().out)
    assert len(set(told)) == 1
    assert "It ran out of memory in step 2." in told[0]
    assert "Tags: keep" in told[0]
    assert "Too large." in told[0]


def test_several_are_compared_by_what_differs_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "compare", "20260101-a", "20260102-b"]) == Exit.OK
    said = capsys.readouterr().out
    assert "1 setting differs; all others are the same." in said
    assert "Learning rate" not in said
    assert main(["runs", "compare", "20260101-a", "20260102-b", "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["settings_that_differ"] == {"Batch": ["4", "2"]}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show"], "cli.no_run"),
        (["show", "20269999"], "cli.no_run"),
        (["show", "2026"], "cli.which_run"),
        (["compare", "20260101-a"], "cli.no_run"),
        (["list", "20260101-a"], "cli.no_such_verb"),
    ],
)
def test_what_is_not_clear_is_said(arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", *arguments]) == Exit.WRONG_USE
    assert code in capsys.readouterr().err


def test_a_run_that_lies_elsewhere_is_told_and_compared_by_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_folder(tmp_path / "mine", share=1.1)
    assert main(["runs", "show", str(tmp_path / "mine")]) == Exit.OK
    assert "(mine)" in capsys.readouterr().out
    assert main(["runs", "compare", str(tmp_path / "mine"), "20260102-b"]) == Exit.OK
    assert "1 setting differs" in capsys.readouterr().out
    assert main(["runs", "show", str(tmp_path)]) == Exit.WRONG_USE
