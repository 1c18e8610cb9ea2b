"""Adapter settings put together at random: an adapter or a problem, and a plan made of it never says what cannot be."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.model.adapter import read_adapter
from planner.facts.model.folder_state import look_at
from planner.models_here import base_of
from planner.options import bounds_problems
from planner.problem import ProblemError
from planner.techniques.registry import choice_like
from tests.fuzz import CASES

KEYS = ("peft_type", "r", "lora_alpha", "lora_dropout", "target_modules", "base_model_name_or_path", "use_dora", "bias")
VALUES: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["LORA", "IA3", "all-linear"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
SOUND = {
    "peft_type": "LORA",
    "r": 8,
    "lora_alpha": 16,
    "target_modules": ["q_proj"],
    "base_model_name_or_path": "org/x",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("adapter")
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (place / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    return place


def survives(folder: Path) -> None:
    look_at(folder, "x")
    with contextlib.suppress(ProblemError):
        found = read_adapter(folder)
        choice = choice_like(found)
        if choice is not None:
            assert not [p for p in bounds_problems(choice.options, "trainable") if p]
        base_of(found, ())


@settings(max_examples=CASES, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_any_values_of_its_settings(folder: Path, changes: dict[str, Any]) -> None:
    (folder / "adapter_config.json").write_text(json.dumps(SOUND | changes), encoding="utf-8")
    survives(folder)


@settings(max_examples=CASES, deadline=None)
@given(raw=st.binary(max_size=300))
def test_any_bytes(folder: Path, raw: bytes) -> None:
    (folder / "adapter_config.json").write_bytes(raw)
    survives(folder)
