"""Sizes of one family are found by their ids alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.explore.families import families, family_of, known_family
from planner.facts.model import catalogue


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("meta-llama/Llama-3.1-8B", "Llama-3"),
        ("meta-llama/Llama-3.2-1B-Instruct", "Llama-3"),
        ("meta-llama/Meta-Llama-3-8B", "Llama-3"),
        ("meta-llama/Llama-2-7b-hf", "Llama-2"),
        ("codellama/CodeLlama-34b-hf", "CodeLlama"),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "TinyLlama"),
        ("Qwen/Qwen2.5-0.5B", "Qwen2.5"),
        ("Qwen/Qwen2-7B", "Qwen2"),
        ("Qwen/Qwen-1_8B", "Qwen"),
        ("Qwen/Qwen3-30B-A3B", "Qwen3"),
        ("HuggingFaceTB/SmolLM2-135M", "SmolLM2"),
        ("google/gemma-2b", "gemma"),
        ("google/gemma-2-2b", "gemma-2"),
        ("google/gemma-3-4b-it (text part)", "gemma-3"),
        ("EleutherAI/pythia-1.4b", "pythia"),
        ("facebook/opt-350m", "opt"),
        ("bigscience/bloom-7b1", "bloom"),
        ("bigscience/bloom", "bloom"),
        ("openai-community/gpt2", "gpt2"),
        ("openai-community/gpt2-large", "gpt2"),
        ("mistralai/Mixtral-8x7B-v0.1", "Mixtral"),
        ("google/flan-t5-xxl", "flan-t5"),
        ("microsoft/Phi-3-mini-4k-instruct", "Phi-3"),
        ("/home/me/models/SmolLM2-1.7B-Instruct/", "SmolLM2"),
        ("7b", "7b"),
        ("", ""),
    ],
)
def test_the_family_stands_before_the_size(model: str, family: str) -> None:
    assert family_of(model) == family


def test_every_model_that_can_be_planned_is_in_one_family_and_sizes_rise() -> None:
    listed = [name for ids in families().values() for name in ids]
    assert sorted(listed) == sorted(n for n in catalogue.names() if not catalogue.find(n).unsupported_because)
    for ids in families().values():
        sizes = [catalogue.find(n).params for n in ids]
        assert sizes == sorted(sizes)
    assert len(families()["Llama-3"]) == 6


def test_a_family_is_known_by_its_name_by_a_model_and_by_what_was_made_from_one() -> None:
    assert known_family("llama-3") == "Llama-3"
    assert known_family("SmolLM2-135M-Instruct") == "SmolLM2"
    assert known_family("Qwen/Qwen2.5-Coder-7B-Instruct") == "Qwen2.5"
    assert known_family("microsoft/Phi-4-mini-instruct") == known_family("microsoft/phi-4")
    assert known_family("nobody/knows-this") == ""


@given(st.text(max_size=30))
def test_any_text_has_a_family_that_is_a_part_of_it(text: str) -> None:
    assert family_of(text) in text
    assert known_family(text) in (*families(), "")
