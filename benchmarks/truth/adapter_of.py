"""Which adapter a row trains, and what else: from the published configuration to the planner's own descriptions.

What a configuration leaves out has PEFT's default. Where the row's library is not PEFT, adapters are in the model's
type and the same matrices.
"""

from __future__ import annotations

from functools import lru_cache

from benchmarks.truth.adapter_kinds import kind_of
from benchmarks.truth.row import Row, TrainableOptions
from planner.adapters.adapted import adapted as with_adapter
from planner.adapters.attention_prompts import AdaptionPrompt, GatedPrompt, ScaledShifted, heard
from planner.adapters.lora import SlicedLora
from planner.adapters.prompts import encoded, prefixed, prompted
from planner.adapters.trained_parts import from_layer, trained_parts, trained_tokens
from planner.draft import Heads, Stack
from planner.problem import fail
from planner.units import BYTES_PER_ELEMENT

FUSED = {"qkv_proj": ("q_proj", "k_proj", "v_proj"), "gate_up_proj": ("gate_proj", "up_proj")}
PARTS = {"embeddings": "embedding", "lm_head": "head", "norms": "norm"}
NAMES = {"final_norm": "norm"}


def extra_tokens(row: Row) -> int:
    """Virtual tokens before each row's own that go through the whole model."""
    o = row.trainable_options
    return (o.virtual_tokens or 0) if o is not None and row.trainable in ("prompt", "ptuning") else 0


@lru_cache(maxsize=1024)
def adapted(row: Row, stacks: tuple[Stack, ...]) -> tuple[Stack, ...]:
    """The stacks with what the row trains beside them, and the parts of the model that it trains."""
    if row.trainable not in ("full", "none"):
        if row.trainable_options is None:
            raise fail("row.adapter", f"the row says nothing of its {row.trainable}", "")
        stacks = _with_adapter(row, row.trainable_options, stacks)
        if any(x.trained and not x.elements for stack in stacks for x in stack.tensors):
            raise fail("row.adapter", f"this {row.trainable} is larger than a matrix that it hangs on", "")
    parts = tuple(PARTS[part] for part in row.extra_trained if part in PARTS)
    if parts:
        parts = (*parts, "final norm") if "norm" in parts else parts
        bits = 8 * BYTES_PER_ELEMENT[row.extra_trained_dtype] if row.extra_trained_dtype else 0
        copies = bool(row.extra_trained_copies)
        stacks = tuple(trained_parts(stack, parts, copies=copies, bits=bits) for stack in stacks)
    return stacks


def _with_adapter(row: Row, o: TrainableOptions, stacks: tuple[Stack, ...]) -> tuple[Stack, ...]:
    stored = _stored_bits(row)
    bits = 8 * BYTES_PER_ELEMENT[row.adapter_dtype] if row.adapter_dtype else stored
    first = stacks[0]
    facts = first.facts
    heads = Heads(facts.n_heads, facts.n_kv_heads, facts.head_dim)
    if row.trainable == "prompt":
        return prompted(stacks, o.virtual_tokens or 1, bits)
    if row.trainable == "ptuning":
        lstm = (o.encoder_layers or 2) if o.extra("encoder_reparameterization_type") == "LSTM" else 0
        return encoded(stacks, o.virtual_tokens or 1, o.encoder_hidden_size or facts.hidden_size, bits, lstm)
    if row.trainable == "prefix":
        projected = (o.encoder_hidden_size or 0) if o.extra("prefix_projection") is True else 0
        return prefixed(stacks, o.virtual_tokens or 1, row.micro_batch or 1, bits, projected)
    if row.trainable == "ln_tuning":
        names = tuple(NAMES.get(name, name) for name in o.target_modules or ())
        return tuple(trained_parts(stack, names, copies=True) for stack in stacks)
    if row.trainable == "trainable_tokens":
        if not o.token_indices:
            raise fail("row.tokens", "the row does not say which tokens are trained", "")
        return (trained_tokens(first, len(o.token_indices), bits), *stacks[1:])
    if row.trainable == "adaption_prompt":
        if not all("q_proj" in {site.weight for site in stack.sites} for stack in stacks):
            raise fail("row.adapter", "adaption_prompt beside a fused matrix of queries is not computed", "")
        # left in the model's type by PEFT
        prompt = AdaptionPrompt(o.virtual_tokens or 1, row.micro_batch or 1, stored, heads, facts.hidden_size)
        return tuple(with_adapter(heard(stack), prompt, ("o_proj",)) for stack in stacks)
    if row.trainable in ("llama_adapter", "llama_adapter_v2"):
        return tuple(x for stack in stacks for x in _lit_adapter(row, o, stack, heads, bits))
    return tuple(_on_targets(row, o, bits, stack) for stack in stacks)


def _on_targets(row: Row, o: TrainableOptions, bits: int, stack: Stack) -> Stack:
    """The adapter on its matmuls; where a target is only a slice of the stack's own matrix, LoRA on that slice."""
    targets = targets_of(o, stack)
    known = {site.weight for site in stack.sites}
    sliced = tuple((fused, widths) for fused in FUSED if fused in known and (widths := _widths(stack, fused, targets)))
    whole = tuple(x for x in targets if x not in {part for fused, _ in sliced for part in FUSED[fused]})
    if sliced:
        if row.trainable != "lora":
            raise fail("row.slices", f"{row.trainable} on a slice of a fused matrix is not computed", "")
        on_slices = SlicedLora(o.rank or 8, bits, sliced, o.dropout or 0.0)
        stack = with_adapter(stack, on_slices, tuple(fused for fused, _ in sliced))
    return with_adapter(stack, kind_of(row, o, bits), whole) if whole else stack


def _widths(stack: Stack, fused: str, targets: tuple[str, ...]) -> tuple[int, ...]:
    """Widths of the slices of a fused matrix that are targets of their own."""
    f = stack.facts
    width = {"q_proj": f.q_dim, "k_proj": f.kv_dim, "v_proj": f.kv_dim}
    return tuple(width.get(part, f.intermediate_size) for part in FUSED[fused] if part in targets)


def _lit_adapter(row: Row, o: TrainableOptions, stack: Stack, heads: Heads, bits: int) -> tuple[Stack, ...]:
    everywhere = ScaledShifted(bits) if "linear_scales_and_biases" in row.extra_trained else None
    hidden, tokens = stack.facts.hidden_size, o.virtual_tokens or 1
    *before, after = from_layer(stack, o.adapter_start_layer or 0)
    gated = GatedPrompt(tokens, bits, heads, hidden, after.layers, everywhere)
    if everywhere is not None:
        head = tuple(x.name for x in stack.tensors if x.role == "head")
        names = tuple(s.weight for s in stack.sites)
        before = [with_adapter(one, everywhere, names) for one in before]
        after = with_adapter(after, everywhere, (*(name for name in names if name != "o_proj"), *head))
    return (*before, with_adapter(after, gated, ("o_proj",)))


def targets_of(o: TrainableOptions, stack: Stack | None = None) -> tuple[str, ...]:
    """The planner's names of a row's targets; a fused one by its parts where the stack has those."""
    known = {site.weight for site in stack.sites} if stack else set()
    named: list[str] = []
    for target in o.target_modules or ():
        named += FUSED[target] if target in FUSED and target not in known else (NAMES.get(target, target),)
    return tuple(named)


def _stored_bits(row: Row) -> int:
    """Of the model's own type as an adapter sees it."""
    weights = row.weights
    dtype: str = row.activation_dtype or row.compute_dtype or "bfloat16"
    if weights is not None and weights.storage in BYTES_PER_ELEMENT:
        dtype = weights.storage
    return 8 * BYTES_PER_ELEMENT.get(dtype, 2)
