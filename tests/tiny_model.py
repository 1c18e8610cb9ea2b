"""A two-layer random Llama with a real tokenizer and a chat template, built here in a second: no test downloads a model.

Must stay deterministic: the same arguments give the same weights and the same tokenizer, byte for byte.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
WORDS = [
    "memory",
    "weights",
    "gradient",
    "adapter",
    "layer",
    "token",
    "batch",
    "step",
    "loss",
    "model",
    "device",
    "host",
    "disk",
    "byte",
    "plan",
    "run",
    "worker",
    "peak",
    "line",
    "what",
    "how",
    "much",
    "does",
    "the",
    "a",
    "of",
    "to",
    "is",
    "it",
    "need",
    "fits",
    "tight",
    "room",
    "room",
    "for",
    "one",
    "two",
    "three",
    "four",
    "rank",
    "alpha",
    "learning",
    "rate",
]


def make_tiny_model(
    path: Path,
    *,
    n_layers: int = 2,
    hidden_size: int = 64,
    intermediate_size: int = 160,
    n_heads: int = 4,
    n_kv_heads: int = 2,
    vocab_size: int = 512,
    tied_head: bool = True,
    dtype: str = "bfloat16",
    seed: int = 0,
) -> Path:
    """Write config.json, model.safetensors, tokenizer.json and the chat template into `path` and return it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch_dtype = getattr(torch, dtype)
    tokenizer = make_tokenizer()
    assert len(tokenizer) <= vocab_size
    config = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        intermediate_size=intermediate_size,
        num_hidden_layers=n_layers,
        num_attention_heads=n_heads,
        num_key_value_heads=n_kv_heads,
        head_dim=hidden_size // n_heads,
        max_position_embeddings=2048,
        tie_word_embeddings=tied_head,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        dtype=dtype,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).to(torch_dtype)
    path.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def make_tokenizer() -> Any:
    """A byte-level BPE tokenizer of 400 entries, trained on a few words of this program."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator([" ".join(WORDS), "system user assistant prompt completion"], trainer)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bpe,
        unk_token="<|endoftext|>",
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def make_rows(path: Path, n: int = 24, *, form: str = "messages", seed: int = 0) -> Path:
    """Write `n` rows of words with different lengths as JSONL; form: messages or prompt_completion."""
    draw = random.Random(seed)
    lines = []
    for _ in range(n):
        question = " ".join(draw.choices(WORDS, k=draw.randint(3, 12))) + "?"
        answer = " ".join(draw.choices(WORDS, k=draw.randint(4, 30))) + "."
        if form == "messages":
            row: dict[str, object] = {
                "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            }
        else:
            row = {"prompt": question, "completion": " " + answer}
        lines.append(json.dumps(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
