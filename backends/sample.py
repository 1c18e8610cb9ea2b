"""One answer of the model to one prompt, greedy, leaving no trace: generators and training mode are as they were."""

from __future__ import annotations

from typing import Any

import torch
from transformers import GenerationConfig

from backends.states import rng_state, set_rng_state


def answer(model: Any, tokenizer: Any, prompt: str, tokens: int) -> str:
    """The text after `prompt`, at most `tokens` tokens; through the chat template where the model has one."""
    if tokenizer.chat_template:
        messages = [{"role": "user", "content": prompt}]
        encoded = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
    else:
        encoded = tokenizer(prompt, return_tensors="pt")
    device = next(model.parameters()).device
    inputs = {k: v.to(device) for k, v in encoded.items() if k in ("input_ids", "attention_mask")}
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False,
        max_new_tokens=tokens,
        use_cache=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )
    generators, training = rng_state(), model.training
    model.eval()
    try:
        with torch.no_grad():
            produced = model.generate(**inputs, generation_config=config)
    finally:
        model.train(training)
        set_rng_state(generators)
    new = produced[0, inputs["input_ids"].shape[1] :]
    return str(tokenizer.decode(new, skip_special_tokens=True)).strip()
