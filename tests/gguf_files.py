"""Small GGUF files of several kinds, written by the gguf library itself from classes of transformers; weights are zeros.

They hold no more than a header's reader looks at: the settings, the list of words, and every tensor of the class.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIZES = {"vocab": 320, "hidden": 64, "inner": 256, "layers": 2, "heads": 4, "kv_heads": 2, "head": 32, "context": 512}
KINDS = {
    "llama": ("LLAMA", "head_dim"),
    "qwen2": ("QWEN2", ""),
    "qwen3": ("QWEN3", "head_dim"),
    "phi3": ("PHI3", ""),
    "gemma": ("GEMMA", "head_dim"),
    "gemma3": ("GEMMA3", "head_dim"),
}


def write_gguf(
    path: Path,
    kind: str = "llama",
    *,
    quantised: str = "Q8_0",
    tied: bool = True,
    big_endian: bool = False,
    **more: Any,
) -> Path:
    """A whole model of two layers. quantised: the type of its matrices. more: further settings of that kind."""
    import gguf
    import numpy as np

    arch = getattr(gguf.MODEL_ARCH, KINDS[kind][0]) if kind in KINDS else None
    endian = gguf.GGUFEndian.BIG if big_endian else gguf.GGUFEndian.LITTLE
    writer = gguf.GGUFWriter(str(path), kind, endianess=endian)
    describe(writer, kind, **more)
    names = gguf.get_tensor_name_map(arch, SIZES["layers"]) if arch is not None else None
    packed = gguf.GGMLQuantizationType[quantised]
    for name, shape in shapes(kind, tied).items():
        stored = names.get_name(name, try_suffixes=(".weight", ".bias")) if names else name
        assert stored, name
        zeros = np.zeros(shape, dtype=np.float32)
        if len(shape) == 2 and packed not in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16):
            block, size = gguf.GGML_QUANT_SIZES[packed]
            raw = np.zeros((shape[0], shape[1] // block * size), dtype=np.uint8)
            writer.add_tensor(stored, raw, raw_dtype=packed)
        else:
            writer.add_tensor(stored, zeros)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def describe(writer: Any, kind: str, **more: Any) -> None:
    """Settings as llama.cpp's converter writes them."""
    writer.add_block_count(SIZES["layers"])
    writer.add_context_length(SIZES["context"])
    writer.add_embedding_length(SIZES["hidden"])
    writer.add_feed_forward_length(SIZES["inner"])
    writer.add_head_count(SIZES["heads"])
    writer.add_head_count_kv(SIZES["kv_heads"])
    writer.add_layer_norm_rms_eps(1e-5)
    if kind in KINDS and KINDS[kind][1]:
        writer.add_key_length(SIZES["head"])
        writer.add_value_length(SIZES["head"])
        writer.add_rope_dimension_count(SIZES["head"])
    if kind == "gemma3":
        writer.add_sliding_window(128)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"word{n}" for n in range(SIZES["vocab"])])
    writer.add_token_types([1] * SIZES["vocab"])
    writer.add_chat_template("{{ messages }}")
    for key, value in more.items():
        name = f"{kind}.{key}"
        if isinstance(value, list):
            writer.add_array(name, value)
        elif isinstance(value, str):
            writer.add_string(name, value)
        else:
            writer.add_uint32(name, value)


def config_of(kind: str, tied: bool = True) -> Any:
    """The configuration of the class that such a file becomes."""
    import transformers

    names = {
        "llama": "Llama",
        "qwen2": "Qwen2",
        "qwen3": "Qwen3",
        "phi3": "Phi3",
        "gemma": "Gemma",
        "gemma3": "Gemma3Text",
    }
    sizes: dict[str, Any] = {
        "vocab_size": SIZES["vocab"],
        "hidden_size": SIZES["hidden"],
        "intermediate_size": SIZES["inner"],
        "num_hidden_layers": SIZES["layers"],
        "num_attention_heads": SIZES["heads"],
        "num_key_value_heads": SIZES["kv_heads"],
        "max_position_embeddings": SIZES["context"],
        "tie_word_embeddings": tied,
        "pad_token_id": 0,
        "dtype": "bfloat16",
    }
    if KINDS[kind][1]:
        sizes["head_dim"] = SIZES["head"]
    if kind == "gemma3":
        sizes["sliding_window"] = 128
    return getattr(transformers, f"{names[kind]}Config")(**sizes)


def shapes(kind: str, tied: bool) -> dict[str, tuple[int, ...]]:
    """Every tensor of the class itself, by its name there: what a converter finds."""
    import torch
    import transformers

    if kind not in KINDS:
        return {"token_embd.weight": (SIZES["vocab"], SIZES["hidden"])}
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config_of(kind, tied))
    found = {name: tuple(p.shape) for name, p in model.state_dict().items()}
    if tied:
        found.pop("lm_head.weight", None)
    return found


def split_file(path: Path, count: int) -> list[Path]:
    """The file in parts, by the library's own writer: settings in the first, tensors in all."""
    import gguf

    reader = gguf.GGUFReader(path)
    folder = path.parent / "parts"
    folder.mkdir()
    kind = reader.fields["general.architecture"].contents()
    per = -(-len(reader.tensors) // count)
    writer = gguf.GGUFWriter(str(folder / path.name), kind, split_max_tensors=per)
    for f in reader.fields.values():
        if not f.name.startswith("GGUF.") and f.name != "general.architecture":
            inner = f.types[-1] if f.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(f.name, f.contents(), f.types[0], sub_type=inner)
    for t in reader.tensors:
        writer.add_tensor(t.name, t.data, raw_dtype=t.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sorted(folder.glob("*.gguf"))
