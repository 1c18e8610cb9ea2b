"""The exported script is the same program whatever a person typed: foreign text is only ever data in it."""

from __future__ import annotations

import ast
import io
import json
import tokenize
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.estimate import estimate
from planner.export.readme import code, readme
from planner.export.script import script
from planner.export.source import comment, literal, one_line
from planner.plan import Plan
from planner.presets import load_preset
from planner.run.build import run_spec
from planner.run.spec import RunSpec
from planner.techniques import registry
from tests.plan_strategies import any_text
from tests.small_run import small_machine

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)


def with_texts(name: str, model: str, path: str, data: str, rows: str, machine: str, device: str) -> Plan:
    """A plan in which everything a person can type is typed."""
    plan = load_preset("first-run", small_machine())
    (cpu,) = plan.machine.devices
    return replace(
        plan,
        name=name,
        model=replace(plan.model, name=model, path=path or "/m"),
        data=replace(plan.data, name=data, path=rows or "/r"),
        machine=replace(plan.machine, name=machine, cpu=device, devices=(replace(cpu, name=device),)),
    )


def written(plan: Plan, **changes: Any) -> str:
    spec: RunSpec = replace(run_spec(plan, estimate(plan), "/runs/1"), **changes)
    return script(plan, spec, estimate(plan))


def without_texts(source: str) -> str:
    """The program's shape: its syntax tree with every string emptied."""
    tree = ast.parse(source.encode("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


HARMLESS = with_texts("plan", "model", "/m", "data", "/r", "machine", "cpu")


@given(st.tuples(*[any_text] * 7))
@settings(deadline=None, max_examples=150)
def test_no_text_changes_the_program(texts: tuple[str, str, str, str, str, str, str]) -> None:
    plan = with_texts(*texts)
    source = written(plan)
    assert without_texts(source) == without_texts(written(HARMLESS))
    constants = {
        node.targets[0].id: node.value.value
        for node in ast.parse(source.encode("utf-8")).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    assert constants["MODEL"] == plan.model.path
    assert constants["DATA"] == plan.data.path


@given(any_text, any_text)
@settings(deadline=None, max_examples=100)
def test_every_comment_stays_a_comment_on_a_printable_line(name: str, data: str) -> None:
    source = written(with_texts(name, name, name, data, data, name, data))
    assert all(line.isprintable() for line in source.split("\n"))
    assert len(source.splitlines()) == len(source.split("\n")) - 1  # no line end but ours
    read = "".join(
        t.string for t in tokenize.tokenize(io.BytesIO(source.encode()).readline) if t.type == tokenize.ENCODING
    )
    assert read == "utf-8"


@given(JSON)
def test_a_literal_reads_back_equal(value: Any) -> None:
    assert ast.literal_eval(literal(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x", {1: {2, 3}}])
def test_what_has_no_exact_literal_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="has no literal"):
        literal(value)


@given(any_text)
def test_comment_lines_all_begin_with_a_hash(text: str) -> None:
    lines = list(comment(text, "    "))
    assert lines
    assert all(line.startswith("    #") and line.isprintable() for line in lines)


@given(any_text)
def test_inline_code_of_a_page_is_closed_by_its_own_fence_only(text: str) -> None:
    shown = code(text)
    fence = shown[: len(shown) - len(shown.lstrip("`"))] or "`"
    inner = shown[len(fence) : -len(fence)]
    assert fence not in inner or one_line(text) == ""
    assert "\n" not in shown


def test_braces_in_a_name_stay_braces_on_the_page() -> None:
    plan = with_texts("{facts}{0}{threads!r}", "{}", "/{m}", "d", "/r", "m", "c")
    page = readme(plan, run_spec(plan, estimate(plan), "/runs/1"), estimate(plan))
    assert "`{facts}{0}{threads!r}`" in page
    assert "`/{m}`" in page


@pytest.mark.parametrize("technique", registry.TECHNIQUES, ids=lambda t: f"{t.slot}-{t.name}")
def test_the_script_of_every_technique_compiles_and_says_what_it_costs(technique: Any) -> None:
    plan = HARMLESS.with_choice(registry.default_choice(technique.slot, technique.name))
    source = written(plan)
    compile(source, "train.py", "exec")
    for line in estimate(plan).lines:
        said = one_line(str(line.why))[:40]
        assert said in " ".join(source.replace("#", " ").split()) or not int(line.bytes)


def test_bytes_of_a_phase_the_script_leaves_out_are_said_to_be_the_runs_own() -> None:
    asked = replace(HARMLESS, data=replace(HARMLESS.data, sample_prompt="How much?"))
    lines = [x for x in estimate(asked).lines if {at.phase for at in x.alive} == {"sample"} and int(x.bytes)]
    said = " ".join(written(asked).replace("#", " ").split())
    assert lines
    assert all(f"{line.why} Only in sample, which this script leaves out." in said for line in lines)


def test_no_setting_of_the_environment_opens_the_network() -> None:
    before_torch = written(HARMLESS).split("import torch")[0]
    assert 'os.environ["HF_HUB_OFFLINE"]' in before_torch
    assert 'setdefault("HF' not in before_torch


def test_every_argument_of_the_run_stands_in_the_script_as_a_literal() -> None:
    spec = run_spec(HARMLESS, estimate(HARMLESS), "/runs/1")
    (call,) = [
        node
        for node in ast.walk(ast.parse(script(HARMLESS, spec, estimate(HARMLESS))))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "SFTConfig"
    ]
    given_there = {k.arg: k.value for k in call.keywords if k.arg != "output_dir"}
    assert {name: ast.literal_eval(value) for name, value in given_there.items()} == dict(spec.arguments)
    assert json.dumps(dict(spec.arguments))  # plain JSON values
