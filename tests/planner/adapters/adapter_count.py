"""A tiny Llama with a PEFT adapter, its forward and backward pass counted, and the same pass as the planner has it."""

from __future__ import annotations

import random
from typing import Any

from planner.adapters.adapted import Adapter, adapted
from planner.draft import Draft, Stack
from planner.facts.data import BatchShape
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families import stacks_of
from planner.options import NoOptions
from planner.schedule import Schedule
from planner.techniques.attention_sdpa import attend
from planner.techniques.loss_full_logits import LossFullLogits
from planner.training.step_lines import fine_tune_lines

ROWS, SEQ = 2, 64
MOMENTS = ("forward_end", "loss", "layer_last", "layer_first", "backward_end")
FACTS = ModelFacts(
    name="counted",
    source="drawn",
    architecture="LlamaForCausalLM",
    family="dense_gated_decoder",
    vocab_size=96,
    hidden_size=128,
    intermediate_size=320,
    n_layers=3,
    n_heads=4,
    n_kv_heads=2,
    head_dim=32,
    tied_head=True,
)


def stack() -> Stack:
    """The model's stack, nothing trained."""
    return stacks_of(FACTS)[0]


def with_peft(config: Any) -> Any:
    """The model with PEFT's adapter on it."""
    import torch
    from peft import get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    f = FACTS
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=f.vocab_size,
            hidden_size=f.hidden_size,
            intermediate_size=f.intermediate_size,
            num_hidden_layers=f.n_layers,
            num_attention_heads=f.n_heads,
            num_key_value_heads=f.n_kv_heads,
            head_dim=f.head_dim,
            tie_word_embeddings=True,
        )
    ).to(torch.bfloat16)  # type: ignore[arg-type]
    model.train()
    return get_peft_model(model, config).train()


def counted(model: Any, padded: bool = False) -> dict[str, int]:
    """Bytes above the model's own at the fullest instant of each moment of one step."""
    import torch

    from backends.count import LiveCount

    draw = random.Random(0)
    ids = torch.tensor([[draw.randrange(3, FACTS.vocab_size) for _ in range(SEQ)] for _ in range(ROWS)])
    mask = torch.ones_like(ids)
    if padded:
        mask[0, -7:] = 0
    inputs = {"input_ids": ids, "attention_mask": mask, "labels": ids.clone()}
    live = LiveCount(model)
    for value in inputs.values():
        live.see(value, "", "batch")
    before = live.total
    with live:
        for phase in ("what is made only once", "step 1"):
            live.phase = phase
            with live.micro_batch(inputs):
                output = model(**inputs, use_cache=False)
                loss = output.loss
                del output
                loss.backward()
                del loss
            model.zero_grad(set_to_none=True)
    return {moment: live.fullest["step 1", moment].bytes - before for moment in MOMENTS}


def planned(adapter: Adapter, targets: tuple[str, ...]) -> dict[str, int]:
    """The same from the ledger."""
    return planned_of((adapted(stack(), adapter, targets),))


def planned_of(stacks: tuple[Stack, ...], virtual: int = 0, mask_bits: int = 0) -> dict[str, int]:
    draft = Draft(
        FACTS,
        Schedule(micro_batch=ROWS),
        BatchShape(ROWS, SEQ + virtual, False),
        "cpu",
        0,
        stacks,
        16,
        attend,
        mask_bits,
    )
    lines = fine_tune_lines(draft) + LossFullLogits().apply(NoOptions(), draft).lines
    lines = tuple(x for x in lines if x.what not in ("Batch", "Weights", "Adapter"))
    return {
        moment: sum(int(x.bytes) for x in lines if any(at.phase == "step 1" and at.moment == moment for at in x.alive))
        for moment in MOMENTS
    }


def stored_bytes(model: Any) -> tuple[int, int]:
    """Bytes of all parameters and buffers, and the number of trained elements."""
    seen = {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in (*model.parameters(), *model.buffers())}
    return sum(seen.values()), sum(p.numel() for p in model.parameters() if p.requires_grad)
