"""An exported script, run elsewhere without this program, gives the losses of the run to the last bit."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planner.assets import asset
from planner.export.folder import SCRIPT, export
from planner.plan import Plan
from planner.run.events import Finished
from planner.run.journal import evaluations, last_word, read_all, steps
from planner.run.start import start
from planner.slots import Slot
from tests.small_run import choose, small_plan, wait_for_end, write_run
from tests.system.bare_python import bare_python, run
from tests.tiny_model import make_rows

pytest.importorskip("torch", reason="needs the [train] extra")

STEPS = 20
LONGEST_S = 480
LORA, FULL = choose(Slot.TRAINABLE, "lora", dropout=0.1), choose(Slot.TRAINABLE, "full")
FP32, BF16 = choose(Slot.WEIGHTS, "fp32"), choose(Slot.WEIGHTS, "bf16")
SHUFFLED: dict[str, Any] = {"max_steps": STEPS, "grad_accumulation": 2, "shuffle": True, "save_steps": 10}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bare_python(tmp_path_factory.mktemp("bare"))


def both_losses(plan: Plan, python: Path, folder: Path) -> tuple[list[str], list[str]]:
    """Losses of the worker and of the exported script as hexadecimal numbers; also compares the saved weights."""
    spec = write_run(folder / "run", plan)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    export(plan, spec, elsewhere / "export")
    script = run(python, [str(elsewhere / "export" / SCRIPT), "--output", "made"], elsewhere)
    start(folder / "run")
    events = wait_for_end(folder / "run", longest_s=LONGEST_S)
    said, _ = script.communicate(timeout=LONGEST_S)
    assert script.returncode == 0, said[-4000:]
    word = last_word(events)
    assert isinstance(word, Finished), word
    for weights in Path(word.adapter).glob("*.safetensors"):
        assert weights.read_bytes() == (elsewhere / "made" / weights.name).read_bytes()
    made = elsewhere / "made"
    assert [(e.step, e.loss_hex) for e in evaluations(events)] == hexadecimal(made / "evaluations.jsonl")
    return [s.loss_hex for s in steps(events)], [loss for _, loss in hexadecimal(made / "losses.jsonl")]


def hexadecimal(path: Path) -> list[tuple[int, str]]:
    """(step, loss) of each line; of a file that the script has no reason to write, none."""
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [(row["step"], row["loss_hex"]) for row in rows]


def as_csv(rows: Path, target: Path, columns: dict[str, str]) -> Path:
    """The rows of a JSONL file as a table. columns: name in the table, name in the file."""
    with target.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter=";")
        table.writerow(["number", *columns])
        for number, line in enumerate(rows.read_text(encoding="utf-8").splitlines()):
            row = json.loads(line)
            table.writerow([number, *(row[name] for name in columns.values())])
    return target


def assert_equal_and_training(run_losses: list[str], script_losses: list[str]) -> None:
    assert script_losses == run_losses
    assert len(run_losses) == STEPS
    assert len(set(run_losses)) > STEPS // 2  # it is a training, not a constant


def test_the_interpreter_for_exports_does_not_know_this_program(python: Path, tmp_path: Path) -> None:
    for name in ("planner", "backends", "app"):
        process = run(python, ["-c", f"import {name}"], tmp_path)
        said, _ = process.communicate(timeout=60)
        assert process.returncode != 0
        assert f"No module named '{name}'" in said


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize(
    ("choices", "form"),
    [
        pytest.param((LORA, BF16, choose(Slot.LOSS, "full_logits")), "messages", id="lora-bf16-full_logits"),
        pytest.param(
            (FULL, FP32, choose(Slot.LOSS, "fused_tiles"), choose(Slot.ACTIVATION, "checkpointing")),
            "prompt_completion",
            id="full-fp32-fused_tiles-checkpointing",
        ),
    ],
)
def test_small_export_gives_the_losses_of_the_run(
    choices: tuple[Any, ...], form: str, tiny_model_dir: Path, python: Path, tmp_path: Path
) -> None:
    data = make_rows(tmp_path / "rows.jsonl", 24, form=form)
    if form == "prompt_completion":  # the same as a table whose columns have other names
        data = as_csv(data, tmp_path / "rows.csv", {"question": "prompt", "answer": "completion"})
    plan = small_plan(tiny_model_dir, data, *choices, **SHUFFLED)
    assert_equal_and_training(*both_losses(plan, python, tmp_path))


@pytest.mark.usefixtures("warm_workers")
def test_an_export_holds_out_the_same_rows_and_evaluates_them_to_the_same_losses(
    tiny_model_dir: Path, python: Path, tmp_path: Path
) -> None:
    data = make_rows(tmp_path / "rows.jsonl", 30)
    evaluated = {"eval_fraction": 0.25, "eval_steps": 6, "eval_batch": 3, "sample_steps": 5}
    plan = small_plan(tiny_model_dir, data, LORA, FP32, **{**SHUFFLED, **evaluated})
    assert_equal_and_training(*both_losses(plan, python, tmp_path))
    assert [e.step for e in evaluations(read_all(tmp_path / "run").events)] == [6, 12, 18, 20]


@pytest.mark.slow
@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("weights", [FP32, BF16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("trainable", [LORA, FULL], ids=["lora", "full"])
def test_real_export_gives_the_losses_of_the_run(
    trainable: Any, weights: Any, real_model_dir: Path, python: Path, tmp_path: Path
) -> None:
    sample = asset("sample", "questions.jsonl")
    settings = {**SHUFFLED, "micro_batch": 1, "max_length": 24, "save_steps": 1000}
    plan = small_plan(real_model_dir, sample, trainable, weights, **settings)
    assert plan.model.n_layers == 30
    assert_equal_and_training(*both_losses(replace(plan, name="real"), python, tmp_path))
