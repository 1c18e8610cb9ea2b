"""A GGUF file becomes an ordinary folder with exactly its dequantised weights, or nothing at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.facts.model.folder import read_folder
from planner.run.events import Event, Failed, Finished, Phase
from planner.run.jobs import ConvertSpec, write_job
from planner.run.journal import last_word
from planner.run.start import start
from tests.small_run import wait_for_end
from tests.tiny_model import make_tiny_model

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("gguf", reason="needs the [train] extra")

NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def gguf_name(name: str) -> str:
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{NAMES[rest.removesuffix('.weight')]}.weight"


def interleaved(weight: Any, heads: int) -> Any:
    """llama.cpp keeps the halves of each head's rotary pairs side by side."""
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def make_gguf(model_dir: Path, path: Path) -> dict[str, Any]:
    """The model in `model_dir` as a quantised file; returns what each weight must be afterwards, as float32."""
    import torch
    from gguf import GGMLQuantizationType, GGUFWriter, dequantize, quantize
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoTokenizer

    config, tokenizer = AutoConfig.from_pretrained(model_dir), AutoTokenizer.from_pretrained(model_dir)
    words = sorted(tokenizer.get_vocab().items(), key=lambda pair: pair[1])
    writer = GGUFWriter(str(path), "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([word for word, _ in words])
    writer.add_token_types([3 if i < 3 else 1 for i in range(len(words))])
    import json

    merges = json.loads((model_dir / "tokenizer.json").read_text())["model"]["merges"]
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_chat_template(tokenizer.chat_template)
    expected = {}
    for name, tensor in load_file(model_dir / "model.safetensors").items():
        array = tensor.float().numpy()
        if array.ndim == 1:
            kind, stored = GGMLQuantizationType.F32, array
        else:
            kind = GGMLQuantizationType.Q4_1 if "down_proj" in name else GGMLQuantizationType.Q8_0
            heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
            turned = next((interleaved(array, n) for part, n in heads.items() if part in name), array)
            stored = quantize(np.ascontiguousarray(turned), kind)
        writer.add_tensor(gguf_name(name), stored, raw_dtype=kind)
        back = array if array.ndim == 1 else dequantize(quantize(array, kind), kind)
        expected[name] = torch.from_numpy(np.array(back))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return expected


def convert(folder: Path, gguf: Path, target: Path) -> tuple[Event, ...]:
    write_job(folder / "run", ConvertSpec(str(gguf), str(target)))
    start(folder / "run")
    return wait_for_end(folder / "run")


@pytest.mark.usefixtures("warm_workers")
def test_the_folder_holds_the_dequantised_weights_to_the_last_bit(tmp_path: Path) -> None:
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from backends.checkpoint import sha256_of_weights
    from backends.sample import answer

    model_dir = make_tiny_model(tmp_path / "tiny", vocab_size=400)
    expected = make_gguf(model_dir, tmp_path / "tiny.gguf")
    target = tmp_path / "models" / "converted"
    events = convert(tmp_path, tmp_path / "tiny.gguf", target)
    word = last_word(events)
    assert isinstance(word, Finished), word
    details = [e.detail for e in events if isinstance(e, Phase) and e.phase == "convert"]
    assert details == [
        "reading the tokenizer",
        "reading the weights",
        "writing",
    ]
    made = load_file(target / "model.safetensors")
    assert made.keys() == expected.keys()
    for name, tensor in made.items():
        assert str(tensor.dtype) == "torch.bfloat16"
        assert tensor.equal(expected[name].bfloat16()), name
    assert word.sha256 == sha256_of_weights(target)
    assert [p.name for p in target.parent.iterdir()] == ["converted"]
    facts = read_folder(target)
    assert facts.has_chat_template
    assert facts.stored_dtype == "bfloat16"
    was, now = AutoTokenizer.from_pretrained(model_dir), AutoTokenizer.from_pretrained(target)
    text = "how much memory does the adapter need?"
    assert now(text)["input_ids"] == was(text)["input_ids"]
    assert now.chat_template == was.chat_template
    assert isinstance(answer(AutoModelForCausalLM.from_pretrained(target), now, text, 4), str)


@pytest.mark.slow
def test_the_embedded_model_answers_in_sentences(real_model_dir: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from backends.sample import answer

    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(real_model_dir),
        AutoTokenizer.from_pretrained(real_model_dir),
    )
    assert "Paris" in answer(model, tokenizer, "What is the capital of France?", 16)


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize(
    ("content", "code"),
    [(None, "gguf.not_found"), (b"PK\x03\x04", "gguf.not_readable"), (b"GGUF", "gguf.not_readable")],
)
def test_what_cannot_be_converted_is_a_problem_and_leaves_nothing(
    content: bytes | None, code: str, tmp_path: Path
) -> None:
    gguf = tmp_path / "x.gguf"
    if content is not None:
        gguf.write_bytes(content)
    word = last_word(convert(tmp_path, gguf, tmp_path / "models" / "x"))
    assert isinstance(word, Failed)
    assert word.problem.code == code
    assert not (tmp_path / "models").exists()


@pytest.mark.usefixtures("warm_workers")
def test_a_split_file_becomes_the_folder_of_all_its_parts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gguf import GGUFReader
    from safetensors.torch import load_file

    from app.converting import conversion_of, convert
    from planner.facts.model.gguf import read_gguf
    from planner.run.home import HOME_VARIABLE
    from tests.gguf_files import split_file

    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    model_dir = make_tiny_model(tmp_path / "tiny", vocab_size=400)
    expected = make_gguf(model_dir, tmp_path / "tiny.gguf")
    parts = split_file(tmp_path / "tiny.gguf", 3)
    assert len(GGUFReader(parts[0]).tensors) < len(expected)
    told: list[tuple[str, int, int]] = []
    asked = conversion_of(parts[1], lambda *x: told.append(x))
    assert (asked.done, asked.gguf) == (False, parts[0])
    assert told[-1][1] == told[-1][2] == sum(p.stat().st_size for p in parts)
    folder = convert(asked, lambda *x: told.append(x))
    made = load_file(folder / "model.safetensors")
    assert {n: t.equal(expected[n].bfloat16()) for n, t in made.items()} == dict.fromkeys(expected, True)
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]
    facts, header = read_folder(folder), read_gguf(parts[0])
    assert (facts.params, facts.stored_bytes, facts.n_layers) == (header.params, header.stored_bytes, header.n_layers)
    size = sum(p.stat().st_size for p in folder.iterdir())
    assert size <= asked.disk_bytes
    again = conversion_of(parts[0], lambda *_: None)
    assert (again.done, again.target) == (True, folder)
