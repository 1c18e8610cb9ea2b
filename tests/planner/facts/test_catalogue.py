"""The catalogue: every entry becomes facts, each with its source, found by id or alias."""

from __future__ import annotations

import pytest

from planner.assets import asset
from planner.facts.gpus import gpus, other_machine
from planner.facts.json_file import read_object
from planner.facts.model.architectures import SUPPORTED
from planner.facts.model.catalogue import find, names
from planner.facts.model.families import FAMILIES, stacks_of
from planner.problem import ProblemError


def test_every_model_has_facts_params_and_a_source() -> None:
    for name in names():
        facts = find(name)
        assert facts.params > 0, name
        assert facts.provenance, name
        assert facts.architecture in SUPPORTED or facts.unsupported_because, name


def test_every_model_of_the_catalogue_has_a_family_whose_tensors_add_up_to_its_parameters() -> None:
    table = {m["id"]: m for m in read_object(asset("models.json"), "catalogue")["models"]}
    assert len(table) == 103
    for name in names():
        facts = find(name)
        assert facts.family in FAMILIES, name
        held = [t for stack in stacks_of(facts) for t in stack.tensors if not t.tied and t.role != "buffer"]
        assert sum(t.elements for t in held) == facts.params == table[name]["params"], name


def test_names_are_found_by_alias_and_in_any_case() -> None:
    assert find("meta-llama/Llama-3.2-1B-Instruct").name == "meta-llama/Llama-3.2-1B"
    assert find("huggingfacetb/smollm2-135m").params == 134_515_008


def test_an_unknown_model_names_near_ones() -> None:
    with pytest.raises(ProblemError) as caught:
        find("someone/Qwen3-8B")
    assert caught.value.problem.code == "model.not_in_catalogue"
    assert "Qwen/Qwen3-8B" in caught.value.problem.advice


def test_every_card_has_a_name_of_its_own_and_a_source() -> None:
    assert len({g.name for g in gpus()}) == len(gpus()) > 100
    assert all(g.source and g.usable_source and 0 < g.usable_bytes <= g.memory_bytes for g in gpus())


def test_another_machine_is_one_card_and_a_host_that_says_it_is_assumed() -> None:
    machine = other_machine("nvidia geforce rtx 4090")
    card = machine.devices[0]
    assert (card.id, card.kind, card.free_bytes, card.supports_bf16) == ("cuda:0", "cuda", 25_757_220_864, True)
    assert machine.device("cpu") is not None
    assert any("assumed" in note for note in machine.notes)
    assert not other_machine("Tesla T4").devices[0].supports_bf16
    mac = other_machine("Apple M1, 16 GB")
    assert (mac.devices[0].id, mac.ram_total_bytes) == ("mps", 16 * 2**30)


def test_a_card_torch_cannot_name_is_refused() -> None:
    for name in ("Intel Gaudi 3", "RTX"):
        with pytest.raises(ProblemError) as caught:
            other_machine(name)
        assert caught.value.problem.code == "machine.unknown_gpu"
