"""Writing an answer, against peaks that others measured."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.draft import Draft, Loop, Packing, Stack, Tensor
from planner.facts.data import BatchShape
from planner.facts.model.catalogue import find
from planner.facts.model.families import stacks_of
from planner.inference import TIMELINE, Writing, inference_lines
from planner.schedule import Schedule
from planner.techniques import attention_sdpa
from planner.weights.packing import Awq, Gptq

# QwenLM/Qwen2.5, docs/source/benchmark/speed_benchmark.rst (2024-06-11 and 2024-11-06): one A100, transformers 4.38 and
# 4.46, flash-attention 2, batch 1; torch.cuda.max_memory_allocated, printed with two decimals of GiB
MEASURED = (Path(__file__).parents[1] / "golden" / "measured_inference.csv").read_text(encoding="utf-8")
WITHIN = 0.01
PACKINGS: dict[str, Packing | None] = {"bf16": None, "gptq4": Gptq(), "gptq8": Gptq("gptq8", 8), "awq4": Awq()}
HABITS: dict[str, dict[str, Any]] = {
    "tuples": {"twice": True, "all_logits": True, "wide_logits": True, "rotary_positions": 32_768},
    "layers": {},
}
CUBLAS_BYTES = 8_519_680  # torch gives cuBLAS so much before Hopper: 4096 KiB × 2 + 16 KiB × 8


def stored_as(stack: Stack, packing: Packing | None) -> Stack:
    def one(x: Tensor) -> Tensor:
        return replace(x, bits=16, packing=packing) if x.role == "linear" else x

    return replace(stack, tensors=tuple(one(x) for x in stack.tensors))


def peak(model: str, storage: str, loop: str, prompt: int, new_tokens: int) -> int:
    facts = find(model)
    stacks = tuple(stored_as(stack, PACKINGS[storage]) for stack in stacks_of(facts))
    draft = Draft(facts, Schedule(), BatchShape(1, prompt, False), "cuda", 0, stacks, compute_bits=16)
    draft = draft._replace(attend=attention_sdpa.attend, loop=Loop(repeats_kv=True))
    lines = inference_lines(draft, Writing(new_tokens, 16, **HABITS[loop]))
    return max(sum(x.bytes for x in lines if at in x.alive) for at in TIMELINE)


@pytest.mark.parametrize("row", list(csv.DictReader(MEASURED.splitlines())), ids=lambda r: " ".join(r.values()))
def test_published_peaks_are_met_within_a_hundredth(row: dict[str, str]) -> None:
    planned = peak(row["model"], row["storage"], row["loop"], int(row["prompt"]), int(row["new_tokens"]))
    assert planned + CUBLAS_BYTES == pytest.approx(int(row["peak_bytes"]), rel=WITHIN)


def needs(model: str, rows: Any, prompt: Any, new_tokens: int) -> Any:
    """Bytes at each moment, with the usual habits."""
    facts = find(model)
    draft = Draft(facts, Schedule(), BatchShape(rows, prompt, False), "cuda", 0, stacks_of(facts), compute_bits=16)
    lines = inference_lines(draft._replace(attend=attention_sdpa.attend), Writing(new_tokens, 16, all_logits=True))
    return [sum(x.bytes for x in lines if at in x.alive) for at in TIMELINE]


@given(
    st.sampled_from(["Qwen/Qwen2.5-0.5B", "mistralai/Mistral-7B-v0.1", "meta-llama/Llama-3.2-1B"]),
    st.integers(1, 16),
    st.integers(1, 20_000),
    st.integers(1, 4_000),
    st.integers(1, 500),
)
def test_more_rows_longer_prompts_and_longer_answers_never_need_less(
    model: str, rows: int, prompt: int, new_tokens: int, more: int
) -> None:
    usual = needs(model, rows, prompt, new_tokens)
    for larger in (
        needs(model, rows + more, prompt, new_tokens),
        needs(model, rows, prompt + more, new_tokens),
        needs(model, rows, prompt, new_tokens + more),
    ):
        assert all(a <= b for a, b in zip(usual, larger, strict=True))


def test_a_grid_of_prompts_needs_what_each_of_them_needs() -> None:
    numpy = pytest.importorskip("numpy")
    prompts = numpy.array([1, 700, 5_000, 9_000])
    grid = needs("mistralai/Mistral-7B-v0.1", 2, prompts, 64)
    for i, prompt in enumerate(prompts.tolist()):
        assert [int(numpy.broadcast_to(x, 4)[i]) for x in grid] == needs("mistralai/Mistral-7B-v0.1", 2, prompt, 64)


def test_every_line_says_why_with_its_numbers() -> None:
    facts = find("Qwen/Qwen2.5-3B")
    draft = Draft(facts, Schedule(), BatchShape(1, 100, False), "cuda", 0, stacks_of(facts), compute_bits=16)
    draft = draft._replace(attend=attention_sdpa.attend, autocast=True)
    for line in inference_lines(draft, Writing(10, 16, twice=True, all_logits=True, wide_logits=True)):
        assert "{" not in str(line.why), line
        assert line.bytes > 0, line


def test_a_sliding_window_bounds_the_cache() -> None:
    facts = find("mistralai/Mistral-7B-v0.1")
    assert facts.sliding_window == 4096
    cache = []
    for prompt in (2_000, 8_000, 16_000):
        draft = Draft(facts, Schedule(), BatchShape(1, prompt, False), "cuda", 0, stacks_of(facts), compute_bits=16)
        lines = inference_lines(draft._replace(attend=attention_sdpa.attend), Writing(1, 16))
        cache.append([x.bytes for x in lines if x.what == "Keys and values"])
    assert cache[0] < cache[1] == cache[2]
