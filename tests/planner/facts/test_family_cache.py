"""What a model caches: layers with a window no more than that, some classes a key for every query head."""

from __future__ import annotations

import numpy as np
import pytest

from planner.facts.model.catalogue import find
from planner.facts.model.families.cache import cached_elements, cached_positions


@pytest.mark.parametrize(
    ("name", "positions"),
    [
        ("meta-llama/Llama-3.2-1B", 16 * 10_000),
        ("mistralai/Mistral-7B-v0.1", 32 * 4096),
        ("mistralai/Mistral-7B-Instruct-v0.3", 32 * 10_000),
        ("google/gemma-2-9b", 21 * 10_000 + 21 * 4096),
        ("google/gemma-3-1b-it", 4 * 10_000 + 22 * 512),
        ("openai/gpt-oss-20b", 12 * 10_000 + 12 * 128),
    ],
)
def test_layers_with_a_window_cache_no_more_than_that(name: str, positions: int) -> None:
    assert cached_positions(find(name), 10_000) == positions


def test_a_grid_of_lengths_is_cached_as_each_length() -> None:
    facts, lengths = find("google/gemma-2-9b"), np.array([1, 4096, 4097, 10_000])
    assert list(cached_positions(facts, lengths)) == [cached_positions(facts, int(n)) for n in lengths]


def test_the_newer_falcon_caches_every_query_head_and_the_older_one_head() -> None:
    assert cached_elements(find("tiiuae/falcon-40b"), 1) == 60 * 2 * 128 * 64
    assert cached_elements(find("tiiuae/falcon-7b"), 1) == 32 * 2 * 64


def test_keys_and_values_made_from_a_latent_vector_are_cached_as_that() -> None:
    assert cached_elements(find("deepseek-ai/DeepSeek-V2-Lite"), 1) == 27 * (512 + 64)
