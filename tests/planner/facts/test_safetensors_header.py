"""Headers are a stranger's claim: sound ones are read exactly, anything else is a Problem and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.facts.model.safetensors_header import BITS, TensorHeader, read_header, read_weights
from planner.problem import ProblemError

anyhow = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(path: Path, header: Any, data: bytes = b"", *, length: int | None = None) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(raw) if length is None else length).to_bytes(8, "little") + raw + data)
    return path


def entry(dtype: str = "F32", shape: tuple[int, ...] = (2, 2), begin: int = 0, end: int = 16) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def refused(path: Path) -> str:
    with pytest.raises(ProblemError) as caught:
        read_header(path)
    return caught.value.problem.code


def facts_or_problem(path: Path) -> dict[str, TensorHeader] | None:
    """The tensors, or None for a Problem; any other exception fails the test."""
    try:
        return read_header(path)
    except ProblemError:
        return None


def test_a_file_of_the_library_is_read_exactly(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    save_file = pytest.importorskip("safetensors.torch").save_file
    tensors = {"a": torch.zeros(3, 5, dtype=torch.bfloat16), "b": torch.ones(7), "none": torch.zeros(0, 4)}
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    weights = read_weights(tmp_path)
    assert weights is not None
    assert {n: (t.shape, t.dtype) for n, t in weights.tensors.items()} == {
        "a": ((3, 5), "BF16"), "b": ((7,), "F32"), "none": ((0, 4), "F32"),
    }  # fmt: skip
    assert weights.elements == 22
    assert weights.bytes == 30 + 28
    b = weights.tensors["b"]
    assert (tmp_path / "model.safetensors").read_bytes()[b.begin : b.end] == tensors["b"].numpy().tobytes()


def test_the_dtype_is_the_one_most_bytes_have(tmp_path: Path) -> None:
    header = {"a": entry("BF16", (16,), 0, 32), "b": entry("F32", (1,), 32, 36)}
    written(tmp_path / "model.safetensors", header, bytes(36))
    weights = read_weights(tmp_path)
    assert weights is not None
    assert weights.dtype == "bfloat16"


@pytest.mark.parametrize(
    "header",
    [
        {"a": entry(end=12)},
        {"a": entry(begin=4, end=20)},
        {"a": entry(), "b": entry(begin=8, end=24)},
        {"a": entry("F5")},
        {"a": entry(shape=(2, -2))},
        {"a": {"dtype": "F32", "shape": [2.0, 2], "data_offsets": [0, 16]}},
        {"a": {"dtype": "F32", "shape": [True, 4], "data_offsets": [0, 16]}},
        {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0]}},
        {"a": {"dtype": "F32", "shape": [4], "data_offsets": [16, 0]}},
        {"a": {**entry(), "more": 1}},
        {"a": entry(shape=(2**61, 2**61), end=16)},
        {"a": entry(shape=(1,) * 17, end=4)},
        {"a": "text"},
        b'{"a": {}, "a": {}}',
        b'{"a": NaN}',
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b"[1]",
        b" {}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\xff\xfe{}",
        {},
    ],
)
def test_a_header_that_does_not_describe_its_file_is_refused(tmp_path: Path, header: Any) -> None:
    assert refused(written(tmp_path / "x.safetensors", header, bytes(16))) == "model.weights_damaged"


@pytest.mark.parametrize("length", [2**63, 100_000_001, 10_000])
def test_a_header_longer_than_its_file_is_refused_without_reading_it(tmp_path: Path, length: int) -> None:
    assert refused(written(tmp_path / "x.safetensors", b"{}", length=length)) == "model.weights_damaged"


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "d.safetensors").mkdir()
    assert refused(tmp_path / "d.safetensors") == "model.weights_unreadable"
    assert refused(tmp_path / "absent.safetensors") == "model.weights_unreadable"


@anyhow
@given(st.binary(max_size=400))
def test_any_bytes_give_facts_or_a_problem(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(raw)
    facts_or_problem(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
near_tensors = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(sorted(BITS)) | json_values,
        "shape": st.lists(st.integers(-1, 2**63), max_size=3) | json_values,
        "data_offsets": st.lists(st.integers(-1, 2**65), max_size=3) | json_values,
    }
)


@anyhow
@given(st.dictionaries(st.text(max_size=8), near_tensors | json_values, max_size=4), st.integers(0, 64))
def test_any_json_gives_facts_or_a_problem(tmp_path: Path, header: dict[str, Any], size: int) -> None:
    path = written(tmp_path / "x.safetensors", header, bytes(size))
    found = facts_or_problem(path)
    assert found is None or sum(t.bytes for t in found.values()) == size


def sharded(folder: Path, where: Any) -> Path:
    written(folder / "one.safetensors", {"a": entry()}, bytes(16))
    written(folder / "two.safetensors", {"b": entry(), "c": entry("F16", (4,), 16, 24)}, bytes(24))
    (folder / "model.safetensors.index.json").write_text(json.dumps(where))
    return folder


def test_shards_are_read_together(tmp_path: Path) -> None:
    where = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors", "c": "two.safetensors"}}
    weights = read_weights(sharded(tmp_path, where))
    assert weights is not None
    assert (sorted(weights.tensors), weights.bytes, weights.elements) == (["a", "b", "c"], 40, 12)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"weight_map": {"a": "one.safetensors", "d": "two.safetensors"}}, "model.weights_damaged"),
        ({"weight_map": {"a": "two.safetensors"}}, "model.weights_damaged"),
        ({"weight_map": {"a": "../one.safetensors"}}, "model.weights_damaged"),
        ({"weight_map": {"a": "three.safetensors"}}, "model.shard_missing"),
        ({"weight_map": {"a": 1}}, "model.weights_damaged"),
        ({"weight_map": {}}, "model.weights_damaged"),
        ({}, "model.weights_damaged"),
        ([], "model.weights_damaged"),
    ],
)
def test_an_index_that_does_not_describe_its_shards_is_refused(tmp_path: Path, where: Any, code: str) -> None:
    with pytest.raises(ProblemError) as caught:
        read_weights(sharded(tmp_path, where))
    assert caught.value.problem.code == code
