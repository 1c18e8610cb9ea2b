"""The export's folder: what is in it, what is not, and what it never overwrites."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner import plan_file
from planner.estimate import estimate
from planner.export.folder import export
from planner.export.requirements import requirements
from planner.export.twins import TECHNIQUES
from planner.plan import Plan
from planner.plan_set import apply_set
from planner.presets import load_preset
from planner.problem import ProblemError
from planner.run.build import run_spec
from planner.run.spec import RunSpec
from tests.small_run import small_machine


def ready(*changes: str) -> tuple[Plan, RunSpec]:
    plan = load_preset("first-run", small_machine())
    plan = replace(plan, model=replace(plan.model, path="/models/m"))
    for change in changes:
        plan = apply_set(plan, change)
    return plan, run_spec(plan, estimate(plan), "/runs/1")


def test_an_export_holds_the_script_its_versions_the_plan_and_a_page(tmp_path: Path) -> None:
    plan, spec = ready("loss=fused_tiles")
    files = export(plan, spec, tmp_path / "new" / "folder")
    assert sorted(p.name for p in files) == ["README.md", "plan.json", "requirements.txt", "train.py"]
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == sorted(p.name for p in files)
    assert plan_file.load_plan(tmp_path / "new" / "folder" / "plan.json") == plan


def test_a_technique_no_library_has_brings_its_file_along(tmp_path: Path) -> None:
    export(*ready("loss=full_logits"), tmp_path / "out")
    carried = tmp_path / "out" / "loss_full_logits.py"
    assert carried.read_text() == (TECHNIQUES / carried.name).read_text()
    assert "from loss_full_logits import " in (tmp_path / "out" / "train.py").read_text()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ProblemError) as caught:
        export(*ready(), tmp_path)
    assert caught.value.problem.code == "export.folder_in_use"
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_files_of_the_same_names_that_are_no_export_are_left_alone(tmp_path: Path) -> None:
    for name in ("train.py", "plan.json", "README.md"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(ProblemError) as caught:
        export(*ready(), tmp_path)
    assert caught.value.problem.code == "export.folder_in_use"
    assert {p.read_text() for p in tmp_path.iterdir()} == {"mine"}


def test_an_earlier_export_is_replaced(tmp_path: Path) -> None:
    export(*ready(), tmp_path / "out")
    export(*ready("trainable.rank=3"), tmp_path / "out")
    assert "r=3," in (tmp_path / "out" / "train.py").read_text()


def test_a_file_in_place_of_the_folder_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(ProblemError) as caught:
        export(*ready(), tmp_path / "out")
    assert caught.value.problem.code == "export.folder_in_use"


def test_no_value_of_the_environment_gets_into_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secretsecretsecret")
    for path in export(*ready(), tmp_path / "out"):
        assert "secretsecret" not in path.read_text()


def test_requirements_pin_public_versions_and_name_a_special_build_in_words() -> None:
    _, spec = ready()
    text = requirements(replace(spec, versions=(("torch", "2.13.0+cu130"), ("trl", "1.16.0"))))
    pins = [line for line in text.splitlines() if not line.startswith("#")]
    assert pins == ["torch==2.13.0", "trl==1.16.0"]
    assert "2.13.0+cu130" in text
