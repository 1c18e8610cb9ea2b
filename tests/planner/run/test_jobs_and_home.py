"""Small specs read back equal or are refused by name; one place says where things lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.problem import ProblemError
from planner.run import home, layout
from planner.run.jobs import ConvertSpec, Job, ScanSpec, job_from_json, job_to_json, write_job


@pytest.mark.parametrize("job", [ScanSpec("/m", "/d.jsonl"), ConvertSpec("/x.gguf", "/models/x")])
def test_a_jobs_spec_reads_back_equal(job: Job, tmp_path: Path) -> None:
    assert job_from_json(job_to_json(job)) == job
    write_job(tmp_path / "run", job)
    assert job_from_json(json.loads((tmp_path / "run" / layout.SPEC).read_text())) == job


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        [],
        {},
        {"job": "fly"},
        {"job": ["scan"]},
        {"job": "scan"},
        {"job": "scan", "model": 1, "data": "x"},
        {"job": "scan", "model": "m", "data": "d", "mood": "good"},
    ],
)
def test_a_damaged_spec_is_a_problem(value: object) -> None:
    with pytest.raises(ProblemError) as caught:
        job_from_json(value)
    assert caught.value.problem.code == "spec.damaged"


def test_one_variable_moves_everything_a_person_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(home.HOME_VARIABLE, str(tmp_path))
    assert home.home() == tmp_path
    assert home.runs_dir() == tmp_path / "runs"
    assert home.example_model_dir() == tmp_path / "models" / home.EXAMPLE_MODEL
    monkeypatch.delenv(home.HOME_VARIABLE)
    assert home.home().name == "plimsoll"
    assert home.models_dir().parent.name == "plimsoll"
