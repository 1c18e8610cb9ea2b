"""Classes of quality: they order what sources order, each source is named, and what nobody compared stands apart."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from planner.assets import asset
from planner.explore.quality import beside_of, classes, quality_of, said_of
from planner.explore.space import space_of
from planner.facts.model import catalogue
from planner.facts.model.shapes import matmuls_of
from planner.plan import Choice, Plan
from planner.slots import Slot
from planner.techniques.lora_variants import ATTENTION, MLPS
from planner.techniques.registry import TECHNIQUES, of_slot, slots
from tests.planner.test_advise import plan

TABLE = json.loads(asset("quality.json").read_text(encoding="utf-8"))
GIB = 1024**3


def choices(
    trained: str, *, weights: str = "bf16", base: dict[str, Any] | None = None, **options: Any
) -> tuple[Choice, ...]:
    """All slots at their defaults, but what is trained and the weights."""
    of = plan(12 * GIB)
    known = {t.name: t for s in (Slot.TRAINABLE, Slot.WEIGHTS) for t in of_slot(s)}
    of = of.with_choice(Choice(Slot.TRAINABLE, trained, replace(known[trained].Options(), **options)))
    of = of.with_choice(Choice(Slot.WEIGHTS, weights, replace(known[weights].Options(), **(base or {}))))
    return of.stage.choices


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (choices("full"), choices("lora", rank=256)),
        (choices("lora", rank=256), choices("lora", rank=64)),
        (choices("lora", rank=64), choices("lora", rank=16)),
        (choices("lora", rank=1), choices("lora", rank=512, target_modules=("q_proj", "v_proj"))),
        (choices("lora", target_modules=("gate_proj", "up_proj", "down_proj")), choices("lora", target_modules=("q_proj",))),
        (choices("lora", weights="nf4"), choices("lora", weights="nf4", base={"quant_type": "fp4"})),
    ],
)  # fmt: skip
def test_what_a_source_found_better_stands_before(better: tuple[Choice, ...], worse: tuple[Choice, ...]) -> None:
    assert quality_of(better) < quality_of(worse)


def test_what_no_source_tells_apart_is_one_class() -> None:
    assert quality_of(choices("lora", rank=8)) == quality_of(choices("lora", rank=16))
    assert quality_of(choices("lora", weights="nf4")) == quality_of(choices("lora"))
    assert quality_of(choices("full", weights="fp32")) == quality_of(choices("full"))
    few = [
        choices("lora", rank=r, target_modules=t) for r in (1, 64) for t in (("q_proj", "v_proj"), ("q_proj", "o_proj"))
    ]
    assert len({quality_of(c) for c in few}) == 1


def test_what_nobody_compared_is_in_a_class_of_its_own() -> None:
    odd = choices("lora", target_modules=("up_proj",))
    assert quality_of(odd) == len(classes()) - 1
    assert "not compared" in said_of(quality_of(odd)).words
    without = tuple(c for c in odd if c.slot is not Slot.TRAINABLE)
    assert quality_of(without) == len(classes()) - 1  # nothing says what learns


def test_four_bit_weights_say_with_what_they_were_compared() -> None:
    (said,) = beside_of(choices("lora", weights="nf4"))
    assert "53.1" in said.sources[0].figure
    assert "53.0" in said.sources[0].figure
    assert beside_of(choices("lora")) == ()


def test_every_class_and_statement_names_where_it_is_published_and_the_figures() -> None:
    for one in classes()[:-1]:
        assert one.sources
        assert one.sentence.endswith(".")
    entries = [*TABLE["classes"], *(s for s in TABLE["statements"].values() if "sources" in s)]
    for source in (x for e in entries for x in (*e["sources"], *e.get("against", ()))):
        assert "arXiv:" in source["source"] or "@" in source["source"]
        assert source["figure"]


def test_every_word_that_a_technique_says_is_in_the_table() -> None:
    of = plan(64 * GIB)
    said = set()
    for structure in space_of(of).structures:
        for _, answers in structure.settings:
            for t in TECHNIQUES:
                learns = getattr(t, "learns", None)
                said |= {learns(c.options) for c in answers if learns and (c.slot, c.technique) == (t.slot, t.name)}
    assert said
    assert said <= set(TABLE["statements"])
    assert {s["class"] for s in TABLE["statements"].values()} - {None} == {c["id"] for c in TABLE["classes"]}


def test_whether_a_matmul_is_the_attentions_is_known_for_every_model_of_the_catalogue() -> None:
    for name in catalogue.names():
        for place in matmuls_of(catalogue.find(name)).values():
            *path, end = place.split(".")
            if any("att" in part for part in path):
                assert end in ATTENTION or end == "c_proj", place  # GPT-2 calls one of its MLP's matmuls so too
            else:
                assert end not in ATTENTION, place
    assert not any(mlp & ATTENTION for mlp in MLPS)


def test_classes_are_looked_up_in_microseconds() -> None:
    of: Plan = plan(64 * GIB)
    sets = [answers for s in space_of(of).structures for _, answers in s.settings]
    found = {quality_of(c) for c in sets}
    assert len(found) >= 4
    assert len(slots()) == len(sets[0])
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for c in sets:
            quality_of(c)
        best = min(best, (time.process_time() - began) / len(sets))
    assert best < 50e-6  # ten times what it takes, so that a loaded computer does not fail it
