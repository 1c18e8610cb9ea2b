"""Small random models of every family, real steps of them counted, and what is planned for the same steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
import transformers

from backends.count import LiveCount
from backends.count_lines import by_line
from planner.adapters.adapted import adapted
from planner.adapters.lora import Lora
from planner.draft import Draft
from planner.facts.data import BatchShape
from planner.facts.model.config import facts_from_config
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families import stacks_of
from planner.ledger import Line
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques.registry import default_choice, technique
from planner.units import KIB
from tests.small_run import choose

ROWS, LENGTH, VOCABULARY = 3, 40, 1031
MOMENTS = ("forward_end", "layer_last", "layer_first")
OF_BLOCKS = ("One block, forward", "One block, backward", "Kept so far", "Kept for backward", "Gradients so far")

SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY, "hidden_size": 96, "intermediate_size": 232, "num_hidden_layers": 3, "head_dim": 24,
    "num_attention_heads": 4, "num_key_value_heads": 2, "pad_token_id": 2,
}  # fmt: skip


def built(architecture: str, attention: str = "sdpa", **config: Any) -> torch.nn.Module:
    """A random model of this class. config: None for a size that the class does not take."""
    cls = getattr(transformers, architecture)
    made = cls.config_class(**{k: v for k, v in {**SIZES, **config}.items() if v is not None or k not in SIZES})
    made._attn_implementation = attention
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return cls._from_config(made) if hasattr(cls, "_from_config") else cls(made)


def facts_of(model: torch.nn.Module, bits: int) -> ModelFacts:
    """What config.json would say of it, with its family even where plans for it are refused."""
    config = {**model.config.to_dict(), "architectures": [type(model).__name__]}
    found = facts_from_config(config, name="small", source="folder")
    return replace(found, unsupported_because="", stored_dtype="float32" if bits == 32 else "bfloat16")


@dataclass(frozen=True)
class Way:
    """How the steps are done. targets: module names for LoRA, by site; none: all weights are trained."""

    bits: int = 32
    targets: tuple[tuple[str, str], ...] = ()
    checkpointing: bool = False
    attention: str = "sdpa"
    rows: int = ROWS
    padded: bool = False


def counted(model: torch.nn.Module, way: Way) -> LiveCount:
    """Two forward and backward passes, without an update; the fullest instant of each moment over both."""
    model = model.to(torch.float32 if way.bits == 32 else torch.bfloat16).train()
    name = type(model).__name__
    if way.targets:
        from peft import LoraConfig, get_peft_model

        names = [module for _, module in way.targets]
        model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=names))
    if way.checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        if way.targets:
            model.enable_input_require_grads()
    ids = torch.randint(3, 400, (way.rows, LENGTH))
    inputs = {"input_ids": ids}
    if not name.endswith("Model") or "LM" in name:
        inputs["labels"] = ids.clone()
    if way.padded:
        inputs["attention_mask"] = torch.ones_like(ids)
        inputs["attention_mask"][1:, LENGTH - 7 :] = 0
    live = LiveCount(model)
    with live:
        for _ in range(2):
            model.zero_grad(set_to_none=True)
            with live.micro_batch(inputs):
                out = model(**inputs, **({"use_cache": False} if "labels" in inputs else {}))
                loss = out.loss if "labels" in inputs else out.last_hidden_state.sum()
                del out
                loss.backward()
                del loss
    return live


def drafted(facts: ModelFacts, way: Way) -> Draft:
    """The same steps as a draft."""
    draft = Draft(facts, Schedule(), BatchShape(way.rows, LENGTH, way.padded), "cpu", 0, stacks_of(facts))
    chosen = {
        Slot.WEIGHTS: choose(Slot.WEIGHTS, "fp32" if way.bits == 32 else "bf16"),
        Slot.TRAINABLE: choose(Slot.TRAINABLE, "full"),
        Slot.ATTENTION: choose(Slot.ATTENTION, way.attention),
        Slot.ACTIVATION: choose(Slot.ACTIVATION, "checkpointing" if way.checkpointing else "keep_all"),
    }
    for slot in (Slot.WEIGHTS, Slot.PRECISION, Slot.TRAINABLE, Slot.ATTENTION, Slot.ACTIVATION, Slot.OBJECTIVE):
        choice = chosen.get(slot) or default_choice(slot)
        if slot is Slot.TRAINABLE and way.targets:  # by site: what is not run has no names to choose from
            sites = tuple(site for site, _ in way.targets)
            draft = draft._replace(stacks=tuple(adapted(stack, Lora(8, 32), sites) for stack in draft.stacks))
            continue
        draft = technique(slot, choice.technique).apply(choice.options, draft)
    return draft


def planned(lines: tuple[Line, ...], moment: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in lines:
        if any(at.moment == moment and at.phase == "step 1" for at in line.alive):
            found[line.what] = found.get(line.what, 0) + int(line.bytes)
    return found


def compared(architecture: str, way: Way, planned_as: str = "", **config: Any) -> list[tuple[str, str, int, int]]:
    """(moment, line, planned bytes, counted bytes) of what the blocks make and keep. planned_as: another family."""
    model = built(architecture, way.attention, **config)
    facts = facts_of(model, way.bits)
    draft = drafted(replace(facts, family=planned_as) if planned_as else facts, way)
    live = counted(model, way)
    rows = []
    for moment in MOMENTS:
        instant = live.fullest["step 1", moment]
        real = by_line(instant, live.n_blocks, live.head_bytes, accumulated=False)
        plan = planned(draft.lines, moment)
        for what in OF_BLOCKS:
            if what in plan or what in real:
                rows.append((moment, what, plan.get(what, 0), real.get(what, 0)))
    return rows


def close(plan: int, real: int) -> bool:
    """Within 2 %, or 8 KiB of small things that belong nowhere."""
    return abs(plan - real) <= max(real // 50, 8 * KIB)


def table(rows: list[tuple[str, str, int, int]]) -> str:
    return "\n".join(
        f"{moment:14} {what:24} {plan:12,} {real:12,} {'' if close(plan, real) else f'<-- {plan - real:+,}'}"
        for moment, what, plan, real in rows
    )
