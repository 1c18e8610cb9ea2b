"""Plan files: what is written reads back equal, and what is damaged is a Problem and nothing else."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import plan_file
from planner.facts.data import DataFacts
from planner.facts.machine import Device, MachineFacts
from planner.facts.model import catalogue
from planner.plan import Plan
from planner.presets import default_plan
from planner.problem import Problem, ProblemError
from planner.run.spec import RunSpec
from tests.plan_strategies import any_text, plans

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def sample_plan() -> Plan:
    cpu = Device("cpu", "cpu", "CPU", 2**34, 2**33)
    machine = MachineFacts("here", "Linux", "CPU", 4, 2**34, 2**33, 0, 2**36, (cpu,))
    data = DataFacts("rows", "/rows.jsonl", "messages", 3, 90, "ab", (10, 11, 12), "counted", "cd")
    return default_plan(catalogue.find("HuggingFaceTB/SmolLM2-135M"), data, machine)


def problem_code(text: str) -> str:
    with pytest.raises(ProblemError) as caught:
        plan_file.loads(text)
    assert caught.value.problem.fact
    assert caught.value.problem.advice
    return caught.value.problem.code


@given(plans())
@settings(deadline=None, max_examples=60)
def test_a_plan_reads_back_equal(plan: Plan) -> None:
    read = plan_file.loads(plan_file.dumps(plan))
    assert read == plan
    assert hash(read) == hash(plan)
    assert plan_file.dumps(read) == plan_file.dumps(plan)


@given(plans(), any_text, st.dictionaries(st.text(max_size=8), JSON, max_size=4), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_a_spec_reads_back_equal(plan: Plan, prompt: str, values: dict[str, Any], seed: int) -> None:
    spec = RunSpec("train", plan, "/runs/1", seed, 2, tuple(values.items()), (), prompt, 48, (("torch", "2.13.0"),))
    assert plan_file.spec_from_json(json.loads(plan_file.dumps(spec))) == spec


@given(plans())
@settings(deadline=None, max_examples=10)
def test_a_saved_plan_loads_equal(plan: Plan) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        plan_file.save_plan(plan, path)
        assert plan_file.load_plan(path) == plan
        assert os.listdir(folder) == ["plan.json"]  # noqa: PTH208 - also what is hidden


def plan_or_problem(text: str) -> Plan | Problem:
    try:
        return plan_file.loads(text)
    except ProblemError as error:
        return error.problem


def nodes(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of every place in a JSON value."""
    here = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    return [(value, key) for key, _ in here] + [place for _, inner in here for place in nodes(inner)]


@given(st.data(), JSON, st.sampled_from(["replace", "remove", "add"]))
@settings(deadline=None, max_examples=300)
def test_a_damaged_plan_is_a_plan_or_a_problem_and_never_an_exception(draw: Any, junk: Any, how: str) -> None:
    raw = json.loads(plan_file.dumps(sample_plan()))
    container, key = draw.draw(st.sampled_from(nodes(raw)))
    if how == "remove":
        del container[key]
    elif how == "add" and isinstance(container, dict):
        container["added"] = junk
    else:
        container[key] = junk
    read = plan_or_problem(json.dumps(raw))
    if isinstance(read, Problem):
        assert read.code.split(".")[0] in {"plan", "option", "technique"}
    else:
        assert how != "add" or not isinstance(container, dict)
        assert plan_file.loads(plan_file.dumps(read)) == read


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=60)
def test_a_plan_cut_at_any_place_is_damaged(cut: int) -> None:
    text = plan_file.dumps(sample_plan()).rstrip()
    assert problem_code(text[: cut % len(text)]) == "plan.damaged"


TEXT = plan_file.dumps(sample_plan())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "plan.damaged"),
        ("[]", "plan.damaged"),
        ("null", "plan.damaged"),
        ("[" * 200_000, "plan.damaged"),
        ('{"schema": 1, "schema": 1}', "plan.damaged"),
        (TEXT.replace('"schema": 1', '"schema": 2'), "plan.newer_schema"),
        (TEXT.replace('"schema": 1', '"schema": 0'), "plan.damaged"),
        (TEXT.replace('"schema": 1', '"schema": true'), "plan.damaged"),
        (TEXT.replace('"rows": 3', '"rows": NaN'), "plan.damaged"),
        (TEXT.replace('"rows": 3', '"rows": 1e999'), "plan.damaged"),
        (TEXT.replace('"rows": 3', '"rows": 3.0'), "plan.damaged"),
        (TEXT.replace('"rows": 3', '"rows": -3'), "plan.damaged"),
        (TEXT.replace('"rows": 3', '"rows": 4'), "plan.damaged"),
        (TEXT.replace('"prompt_lengths": []', '"prompt_lengths": [1]'), "plan.damaged"),
        (TEXT.replace('"kind": "cpu"', '"kind": "quantum"'), "plan.damaged"),
        (TEXT.replace('"free_bytes": 8589934592', '"free_bytes": -1'), "plan.damaged"),
        (TEXT.replace('"rows": 3', '"rows": ' + "9" * 5000), "plan.damaged"),
        (TEXT.replace('"rows": 3', '"rows": ' + "9" * 30), "plan.damaged"),
        (TEXT.replace('"rows": 3', '"rows": 3, "more": 1'), "plan.damaged"),
        (TEXT.replace('"name": "rows"', f'"name": "{"x" * 1_000_001}"'), "plan.damaged"),
        (TEXT.replace('"micro_batch": 4', '"micro_batch": "4"'), "plan.damaged"),
        (TEXT.replace('"micro_batch": 4', '"micro_batch": 0'), "option.out_of_bounds"),
        (TEXT.replace('"micro_batch": 4', '"micro_batches": 4'), "option.unknown"),
        (TEXT.replace('"micro_batch": 4', '"micro_batch": ' + "[" * 50 + "]" * 50), "plan.damaged"),
        (TEXT.replace('"technique": "lora"', '"technique": "lira"'), "technique.unknown"),
        (TEXT.replace('"trainable":', '"trainables":'), "plan.damaged"),
    ],
)
def test_each_kind_of_damage_has_its_problem(text: str, code: str) -> None:
    assert text != TEXT
    assert problem_code(text) == code


def test_a_number_typed_as_text_is_refused_in_a_file() -> None:
    with pytest.raises(ProblemError) as caught:
        plan_file.loads(TEXT.replace('"rank": 8', '"rank": "8"'))
    assert "rank" in caught.value.problem.fact


def test_what_cannot_be_read_has_its_problem(tmp_path: Path) -> None:
    def code(path: Path) -> str:
        with pytest.raises(ProblemError) as caught:
            plan_file.load_plan(path)
        return caught.value.problem.code

    (tmp_path / "latin").write_bytes(TEXT.replace("here", "h\xe9re").encode("latin-1"))
    os.mkfifo(tmp_path / "pipe")
    assert code(tmp_path / "nowhere.json") == "plan.not_found"
    assert code(tmp_path) == "plan.unreadable"
    assert code(tmp_path / "pipe") == "plan.unreadable"
    assert code(tmp_path / "latin") == "plan.damaged"
    assert code(tmp_path / "a\0b") == "plan.unreadable"


def test_a_plan_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ProblemError) as caught:
        plan_file.save_plan(sample_plan(), tmp_path / "file" / "plan.json")
    assert caught.value.problem.code == "file.not_written"
    assert (tmp_path / "file").read_text() == "kept"
