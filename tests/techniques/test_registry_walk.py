"""What every technique owes: a twin, a reference, options that can be drawn and stored, a script part, real steps."""

from __future__ import annotations

import importlib
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import planner
from planner.options import bounds_problems, described, from_mapping, to_mapping
from planner.plan import Choice
from planner.slots import QUESTIONS, Slot
from planner.techniques import registry
from planner.techniques.technique import ScriptPart, Technique
from tests.backends.test_counted_truth import assert_counted_as_planned, counted_plan
from tests.tiny_model import make_tiny_model

ROOT = Path(planner.__file__).parent.parent
TECHNIQUES = [pytest.param(t, id=f"{t.slot.value}-{t.name}") for t in registry.TECHNIQUES]
PARTS = {"load_kwargs", "wrap", "trainer_mixin", "optimizer"}  # what the worker asks for; another would be ignored
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_it_says_what_it_is(technique: Technique) -> None:
    assert technique.label
    assert technique.summary.endswith(".")
    assert technique.reference.startswith("https://")
    assert technique.slot in QUESTIONS
    assert registry.technique(technique.slot, technique.name) is technique


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_its_file_is_named_after_its_slot_and_it(technique: Technique) -> None:
    assert type(technique).__module__ == f"planner.techniques.{technique.slot.value}_{technique.name}"


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_its_defaults_are_in_bounds_and_survive_json(technique: Technique) -> None:
    options = technique.Options()
    assert bounds_problems(options, technique.name) == []
    assert from_mapping(technique.Options, json.loads(json.dumps(to_mapping(options))), technique.name) == options
    for field, description in described(options):
        assert description.label, field.name
        assert description.help.endswith((".", "…")), field.name


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_its_twin_is_there_and_defines_only_known_parts(technique: Technique) -> None:
    if not technique.twin:
        return
    pytest.importorskip("torch", reason="needs the [train] extra")
    twin = importlib.import_module(f"backends.techniques.{technique.twin}")
    own = {n for n, v in vars(twin).items() if callable(v) and not n.startswith("_") and v.__module__ == twin.__name__}
    assert own & PARTS
    assert {n for n in own if n.islower()} <= PARTS


def test_every_twin_belongs_to_a_technique() -> None:
    files = {p.stem for p in (ROOT / "backends" / "techniques").glob("*.py")} - {"__init__"}
    assert files == {t.twin for t in registry.TECHNIQUES if t.twin}


def test_registry_is_in_slot_order_and_names_are_free_of_doubt() -> None:
    order = [list(Slot).index(t.slot) for t in registry.TECHNIQUES]
    assert order == sorted(order)
    assert len({(t.slot, t.name) for t in registry.TECHNIQUES}) == len(registry.TECHNIQUES)


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_its_script_part_is_python(technique: Technique, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the [train] extra")
    model = make_tiny_model(tmp_path / "m")
    plan, _ = counted_plan(model, registry.default_choice(technique.slot, technique.name))
    part = technique.script(technique.Options(), plan)
    assert isinstance(part, ScriptPart)
    sources = [*part.imports, "\n".join(part.wrap), *(s for _, s in part.load), *(s for _, s in part.trainer)]
    for source in sources:
        compile(source, technique.name, "exec")
    json.dumps(dict(part.arguments), allow_nan=False)


def names_in_quotes() -> dict[str, re.Pattern[str]]:
    return {t.name: re.compile(rf"""["']{re.escape(t.name)}["']""") for t in registry.TECHNIQUES}


# words of the libraries or of units that happen to be a technique's name
READ_FROM_OTHERS = {"planner/why/besides.py", "planner/why/settings.py", "planner/why/as_plan.py"}  # their own options
ELSEWHERE = {
    "bf16": {"planner/techniques/precision_as_stored.py", *READ_FROM_OTHERS},  # there it is an argument of SFTConfig
    "fp32": READ_FROM_OTHERS,
    "adamw": READ_FROM_OTHERS,
    "checkpointing": READ_FROM_OTHERS,
    "nf4": {"planner/weights/packing.py"},  # bitsandbytes' word for the codes
}


def test_no_other_code_knows_a_technique_by_name() -> None:
    found = []
    for folder in ("app", "planner", "backends"):
        for path in (ROOT / folder).rglob("*.py"):
            relative = path.relative_to(ROOT).as_posix()
            text = path.read_text(encoding="utf-8")
            for technique in registry.TECHNIQUES:
                own = f"{technique.slot.value}_{technique.name}.py"
                if path.name == own or relative in ELSEWHERE.get(technique.name, ()):
                    continue
                if names_in_quotes()[technique.name].search(text):
                    found.append((relative, technique.name))
    assert found == []


def covering_stages() -> Iterator[tuple[Technique, ...]]:
    """Few answers to all slots at once in which every pair of techniques of different slots meets."""
    slots = registry.slots()
    open_pairs = {
        frozenset(pair) for pair in itertools.combinations(registry.TECHNIQUES, 2) if pair[0].slot is not pair[1].slot
    }
    everything = list(itertools.product(*(registry.of_slot(slot) for slot in slots)))
    while open_pairs:
        best = max(everything, key=lambda one: sum(frozenset(p) in open_pairs for p in itertools.combinations(one, 2)))
        open_pairs -= {frozenset(pair) for pair in itertools.combinations(best, 2)}
        yield best


COVERING = [pytest.param(one, id=" ".join(t.name for t in one)) for one in covering_stages()]


@pytest.mark.parametrize("techniques", COVERING)
def test_every_pair_trains_and_is_counted_as_planned_or_is_refused(
    techniques: tuple[Technique, ...], tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="needs the [train] extra")
    model = make_tiny_model(tmp_path / "m", n_layers=2, hidden_size=96, intermediate_size=232, vocab_size=1031)
    choices = [Choice(t.slot, t.name, t.Options()) for t in techniques]
    plan, data = counted_plan(model, *choices)
    problems = [p for t, c in zip(techniques, choices, strict=True) for p in t.problems(plan, c.options)]
    if problems:
        assert all(p.advice for p in problems)
        return
    assert_counted_as_planned(plan, data)


def test_the_covering_stages_hold_every_pair() -> None:
    met = {frozenset(p) for one in covering_stages() for p in itertools.combinations(one, 2)}
    wanted = {frozenset(p) for p in itertools.combinations(registry.TECHNIQUES, 2) if p[0].slot is not p[1].slot}
    assert wanted <= met


def test_checkpoints_at_once_is_what_the_worker_keeps_and_one_more() -> None:
    pytest.importorskip("torch", reason="needs the [train] extra")
    from backends import checkpoint
    from planner.stored import CHECKPOINTS_AT_ONCE

    assert checkpoint.KEEP + 1 == CHECKPOINTS_AT_ONCE
