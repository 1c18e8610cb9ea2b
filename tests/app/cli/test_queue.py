"""`plimsoll queue` and `run --overnight`: what is added, moved, held and removed, in words and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import queue as verb
from app.cli.main import main
from planner.plan_file import save_plan
from planner.run import queue
from tests.small_run import small_plan
from tests.tiny_model import make_rows


@pytest.fixture
def plan_path(tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A plan file; nobody looks after the queue, which has its own tests."""
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(verb.keeper, "ensure", lambda: False)
    save_plan(small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 8)), tmp_path / "a.json")
    return str(tmp_path / "a.json")


def test_runs_are_added_moved_held_and_removed(plan_path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue"]) == 0
    assert capsys.readouterr().out == "Nothing waits.\n"
    assert main(["queue", "add", plan_path]) == 0
    assert main(["run", plan_path, "--overnight"]) == 0
    first, second = (e.run_dir for e in queue.waiting())
    assert [e.overnight for e in queue.waiting()] == [False, True]
    assert main(["queue", "move", "2", "--to", "1"]) == 0
    assert main(["queue", "hold", first.name]) == 0
    capsys.readouterr()
    assert main(["queue"]) == 0
    told = capsys.readouterr().out
    named = [line.split()[1] for line in told.splitlines()]  # one name may begin with the other
    assert named == [second.name, first.name]
    assert " · overnight" in told
    assert " · held" in told
    assert "GiB are free" in told or "MiB are free" in told
    assert main(["queue", "remove", "1", "--json"]) == 0
    (left,) = json.loads(capsys.readouterr().out)["waiting"]
    assert (left["run_dir"], left["held"]) == (str(first), True)


@pytest.mark.parametrize("words", [["move", "1"], ["hold", "7"], ["remove"], ["add"]])
def test_what_is_not_there_is_wrong_use(plan_path: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", *words]) == 2
    assert "[" in capsys.readouterr().err
