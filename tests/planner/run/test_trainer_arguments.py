"""Every default of the pinned trainer that moves bytes or losses is written out, and means what it says."""

from __future__ import annotations

import dataclasses
import enum
import warnings
from pathlib import Path
from typing import Any

import pytest

from planner.plan_set import apply_set
from planner.presets import load_preset
from planner.problem import ProblemError
from planner.run.arguments import pinned_libraries, table, trainer_arguments
from tests.small_run import small_machine

trl = pytest.importorskip("trl", reason="needs the [train] extra")
ROOT = Path(__file__).parents[3]


def arguments(*changes: str) -> dict[str, Any]:
    plan = load_preset("first-run", small_machine())
    for change in changes:
        plan = apply_set(plan, change)
    return dict(trainer_arguments(plan, plan.stage))


def test_every_field_of_the_trainer_is_written_out_or_left_out_for_a_reason() -> None:
    fields = {f.name for f in dataclasses.fields(trl.SFTConfig)}
    written = {row["field"] for row in table()["written_out"]}
    left = {row["field"] for row in table()["left_out"]}
    assert written | left == fields
    assert not written & left
    assert all(row["why"] for row in table()["written_out"] + table()["left_out"])


def test_the_run_writes_out_the_whole_table() -> None:
    assert set(arguments()) == {row["field"] for row in table()["written_out"]}


def plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value


def test_the_trainer_takes_each_value_as_it_is_and_warns_of_nothing(tmp_path: Path) -> None:
    given = arguments("activation=checkpointing", "schedule.warmup_steps=3")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = trl.SFTConfig(output_dir=str(tmp_path), **given)
    # these two are lists inside the trainer
    unlike = {name for name, value in given.items() if plain(getattr(made, name)) != value} - {"report_to", "debug"}
    assert unlike == set()
    assert made.report_to == made.debug == []
    assert made.gradient_checkpointing is True
    assert made.gradient_checkpointing_kwargs == {"use_reentrant": False}


def test_defaults_that_would_move_bytes_are_off_unless_the_plan_wants_them() -> None:
    given = arguments()
    assert given["bf16"] is False
    assert given["activation_checkpointing"] is False
    assert given["use_cache"] is False
    assert given["logging_nan_inf_filter"] is False
    assert trl.SFTConfig.gradient_checkpointing is True  # why writing it out matters


def test_a_constant_rate_keeps_its_warm_up() -> None:
    assert arguments("schedule.lr_scheduler=constant")["lr_scheduler_type"] == "constant"
    warm = arguments("schedule.lr_scheduler=constant", "schedule.warmup_steps=5")
    assert warm["lr_scheduler_type"] == "constant_with_warmup"


def test_loss_on_answers_only_needs_prompts() -> None:
    with pytest.raises(ProblemError) as caught:
        arguments("schedule.completion_only=true")
    assert caught.value.problem.code == "data.no_prompts"


def test_the_table_is_for_the_versions_the_project_pins() -> None:
    pinned = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert pinned_libraries() == {name: pinned[name] for name in pinned_libraries()}
