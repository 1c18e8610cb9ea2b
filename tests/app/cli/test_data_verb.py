"""`plimsoll data`: what a file is read as, what is wrong with it, and what each length costs, in words and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.cli import plan_source
from app.cli.main import main
from planner.facts.mapping import Mapping
from planner.plan_set import apply_all, apply_set
from planner.presets import load_preset
from planner.problem import ProblemError
from tests.small_run import small_machine


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(plan_source, "this_machine", lambda _run_in=None: small_machine())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "shop.csv"
    rows = [f"What does item {i} cost?;It costs {'very ' * i}much.;{i}" for i in range(30)]
    file.write_text("\n".join(["question;answer;number", *rows, rows[4]]), encoding="utf-8")
    return file


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["data", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_table_is_described_with_its_guess_its_doubles_and_its_cuts(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = called(capsys, str(table), "--set", "schedule.max_length=16")
    assert code == 0
    assert "shop · CSV · 31 rows" in out
    assert "prompt_completion: prompt = question, completion = answer (a guess)" in out
    assert "Rows that are there twice: 1 (31 is 5)." in out
    (own,) = [line.split() for line in out.splitlines() if "the plan's" in line]
    assert own[0] == "16"
    assert int(own[1]) > 0
    code, out, _ = called(capsys, str(table), "--json", "--set", "schedule.max_length=16")
    found: dict[str, Any] = json.loads(out)
    assert (found["rows"], found["file_format"], found["checks"]["n_duplicates"]) == (31, "csv", 1)
    assert found["mapping"]["columns"] == [["prompt", "question"], ["completion", "answer"]]
    at = {cost["cut"]["length"]: cost["peak_bytes"] for cost in found["cuts"]}
    assert list(at) == sorted(at)
    assert at[16] < max(at.values())


def test_columns_are_mapped_in_words(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, str(table), "--map", "prompt=question", "completion=number")
    assert "prompt = question, completion = number\n" in out
    assert "(a guess)" not in out
    code, _, err = called(capsys, str(table), "--map", "prompt=question", "completion=nothing")
    assert code == 1
    assert "no column 'nothing'; there are question, answer, number" in err
    code, _, err = called(capsys, str(table), "--map", "colour=question")
    assert code == 2
    assert "data.mapping" in err


def test_every_faulty_row_is_told(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table.write_text("question,answer\na,b\nc\nd,\n", encoding="utf-8")
    code, out, err = called(capsys, str(table))
    assert (code, out) == (1, "")
    assert "Row 2 of shop.csv: it has 1 column, not 2." in err
    assert "Row 3 of shop.csv" in err


def test_a_plan_takes_any_file_and_a_mapping_by_set(table: Path) -> None:
    plan = apply_set(load_preset("first-run", small_machine()), f"data={table}")
    assert (plan.data.file_format, plan.data.mapping.guessed) == ("csv", True)
    plan = apply_set(plan, "data.map=prompt=answer,completion=number")
    assert plan.data.mapping == Mapping("prompt_completion", (("prompt", "answer"), ("completion", "number")))
    assert apply_set(plan, "model=HuggingFaceTB/SmolLM2-135M").data.mapping == plan.data.mapping
    assert apply_set(plan, "data.map=").data.mapping.column("completion") == "answer", "nothing said is guessed anew"
    with pytest.raises(ProblemError):
        apply_set(plan, "data.map=prompt=answer")


def test_a_file_that_cannot_be_guessed_is_read_with_the_mapping_that_is_said_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("mine,yours,other\na,b,c\nd,e,f\n", encoding="utf-8")
    plan = load_preset("first-run", small_machine())
    said = [f"data={file}", "schedule.micro_batch=2", "data.map=prompt=mine,completion=other"]
    found = apply_all(plan, said)
    assert found.data.mapping == Mapping("prompt_completion", (("prompt", "mine"), ("completion", "other")))
    assert found.stage.schedule.micro_batch == 2
    with pytest.raises(ProblemError) as caught:
        apply_all(plan, said[:2])
    assert "data.map=" in caught.value.problem.advice
    with pytest.raises(ProblemError) as caught:
        apply_all(plan, [*said, f"data={file}"])
    assert caught.value.problem.code == "data.no_mapping", "a mapping belongs to the file before it"


def test_a_comma_may_be_part_of_a_columns_name(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"you, dear": "a", "me": "b", "us": "c"}\n', encoding="utf-8")
    plan = apply_all(
        load_preset("first-run", small_machine()), [f"data={file}", "data.map=prompt=you, dear,completion=me"]
    )
    assert plan.data.mapping.column("prompt") == "you, dear"


def test_half_a_mapping_is_told_what_it_lacks(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = called(capsys, str(table), "--map", "prompt=question")
    assert code == 2
    assert "prompt_completion needs a column for completion" in err


def test_a_line_that_is_no_line_of_names_is_said_where_its_names_are_missed(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text('what?,"so, there",n 1!\na,b,c\n', encoding="utf-8")
    with pytest.raises(ProblemError) as caught:
        apply_set(load_preset("first-run", small_machine()), f"data={file}")
    assert "does not look like names of columns" in caught.value.problem.fact
