"""config.json with any values under the keys that are read: facts with sizes that can be, or a problem."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.model.architectures import ARCHITECTURES
from planner.facts.model.config import facts_from_config
from planner.facts.model.folder import read_folder
from planner.problem import ProblemError
from tests.fuzz import CASES

SOUND = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
KEYS = (
    *SOUND,
    *(
        "num_key_value_heads",
        "head_dim",
        "tie_word_embeddings",
        "attention_bias",
        "mlp_bias",
        "max_position_embeddings",
    ),
    *("sliding_window", "layer_types", "hidden_act", "dtype", "text_config", "quantization_config", "auto_map"),
    *("rope_parameters", "partial_rotary_factor", "attention_dropout", "num_local_experts", "num_experts_per_tok"),
)
VALUES: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 100)
    | st.sampled_from([2**31, 2**64, -(2**70), "silu", "gelu", "bfloat16", "full_attention"])
    | st.floats()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=CASES, deadline=None)
@given(
    architecture=st.sampled_from([*ARCHITECTURES, "Unheard"]) | VALUES,
    changes=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6),
)
def test_any_values(architecture: Any, changes: dict[str, Any]) -> None:
    config = {"architectures": [architecture], **SOUND, **changes}
    with contextlib.suppress(ProblemError):
        facts = facts_from_config(config, name="x", source="folder")
        assert facts.params >= 0
        assert facts.unsupported_because or min(facts.hidden_size, facts.n_layers, facts.vocab_size) > 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model")


@settings(max_examples=CASES, deadline=None)
@given(
    raw=st.binary(max_size=200)
    | st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4).map(lambda d: json.dumps(d).encode())
)
def test_any_file(folder: Path, raw: bytes) -> None:
    (folder / "config.json").write_bytes(raw)
    with pytest.raises(ProblemError):  # there are no weights in any case
        read_folder(folder)
