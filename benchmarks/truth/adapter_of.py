"""Which adapter a row trains, and what else: from the published configuration to the planner's own descriptions.

What a configuration leaves out has PEFT's default. Where the row's library is not PEFT, adapters are in the model's
type and the same matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from benchmarks.truth.row import Row, TrainableOptions
from planner.adapters.adapted import Adapter
from planner.adapters.adapted import adapted as with_adapter
from planner.adapters.attention_prompts import AdaptionPrompt, GatedPrompt, ScaledShifted, heard
from planner.adapters.banks import UniLora, VbLora
from planner.adapters.dora import Dora
from planner.adapters.lora import Lora, SlicedLora
from planner.adapters.low_rank import AdaLora, Delora, Gralora, Lily, Miss
from planner.adapters.projected import Adamss, Deft, Frod, Osf, Psoft
from planner.adapters.projections import RandLora, TinyLora, Vera
from planner.adapters.prompts import encoded, prefixed, prompted
from planner.adapters.rotations import Boft, C3a, Oft
from planner.adapters.trained_parts import from_layer, trained_parts, trained_tokens
from planner.adapters.vectors import Beft, Ia3, Road
from planner.adapters.whole_updates import Bat, Fourier, Glora, Hira, Loha, Lokr, Peanut, Shira
from planner.draft import Heads, Stack
from planner.problem import fail
from planner.strict_json import DamagedError, parse
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
        return (trained_tokens(first, len(o.token_indices or ()), bits), *stacks[1:])
    if row.trainable == "adaption_prompt":
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
    return with_adapter(stack, _adapter(row, o, bits), whole) if whole else stack


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


def _adapter(row: Row, o: TrainableOptions, bits: int) -> Adapter:
    build = _KINDS.get(row.trainable)
    if build is None:
        raise fail("row.adapter", f"the adapter {row.trainable} is not computed", "")
    return build(o, bits, row)


def _number(o: TrainableOptions, key: str, otherwise: int) -> int:
    found = o.extra(key)
    return int(found) if isinstance(found, (int, float)) else otherwise


def _lora(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    if o.extra("use_dora") is True:
        return _dora(o, bits, row)
    a, b = o.trains_a is not False, o.trains_b is not False
    block = _mapping(o.extra("use_bdlora"))
    if not block:
        return Lora(o.rank or 8, bits, o.dropout or 0.0, a, b)
    names = [tuple(block.get(f"target_modules_bd_{side}") or ()) for side in "ab"]
    return Lora(o.rank or 8, bits, o.dropout or 0.0, a, b, int(block.get("nblocks", 1)), names[0], names[1])


def _mapping(text: Any) -> dict[str, Any]:
    """A configuration within a configuration, published as JSON text."""
    if not isinstance(text, str):
        return {}
    try:
        found = parse(text)
    except DamagedError:
        return {}
    return found if isinstance(found, dict) else {}


def _dora(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    return Dora(o.rank or 8, bits, o.dropout or 0.0)


def _vera(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    share = o.extra("vera_dropout") or o.extra("pvera_dropout")
    return Vera(o.rank or 256, bits, float(share or 0), row.trainable == "pvera")


def _tinylora(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    u = _number(o, "u", 64)
    trained = row.trainable_params or u
    return TinyLora(o.rank or 2, u, max(trained // u, 1), bits, bits)


def _miss(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    how = o.extra("init_weights")
    if o.variant == "miss_bat" or how == "bat":
        return Bat(o.rank or 64, bits)
    mini = o.variant == "miss_mini" or how == "mini"
    return Miss(o.rank or 64, bits, _number(o, "mini_r", 1) if mini else 0)


def _osf(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    frozen = _mapping(o.extra("rank_pattern"))
    ranks = tuple((name, int(frozen.get(name, o.rank or 128))) for name in targets_of(o))
    return Osf(ranks, bits)


def _glora(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    path = o.extra("config_A_B")
    return Glora(o.rank or 8, bits, str(path) if path in ("vector", "constant") else "product")


def _deft(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    method = o.extra("decomposition_method") or "qr"
    return Deft(o.rank or 8, bits, method == "qr", o.extra("para") is not True)


def _oft(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    size = _number(o, "oft_block_size", 0) or o.block_size or 0
    return Oft(bits, 0 if size else o.rank or 8, size, o.extra("block_share") is True)


def _psoft(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    return Psoft(o.rank or 32, bits, o.extra("psoft_svd") != "lowrank")


def _waveft(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    return Fourier(o.n_frequency or 2592, bits, False, o.extra("use_idwt") is not False)


def _road(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    variant = str(o.variant or o.extra("variant") or "road_1")
    return Road(bits, int(variant.rpartition("_")[2]))


_KINDS: dict[str, Callable[[TrainableOptions, int, Row], Adapter]] = {
    "lora": _lora,
    "dora": _dora,
    "adalora": lambda o, bits, row: AdaLora(o.init_rank or o.rank or 12, bits, o.dropout or 0.0, scored=True),
    "vera": _vera,
    "pvera": _vera,
    "ia3": lambda o, bits, row: Ia3(bits),
    "beft": lambda o, bits, row: Beft(bits),
    "road": _road,
    "oft": _oft,
    "boft": lambda o, bits, row: Boft(bits, o.block_size or 4),
    "c3a": lambda o, bits, row: C3a(o.block_size or 256),
    "loha": lambda o, bits, row: Loha(o.rank or 8, bits),
    "lokr": lambda o, bits, row: Lokr(
        o.rank or 8, bits, _number(o, "decompose_factor", -1), o.extra("decompose_both") is True
    ),
    "hira": lambda o, bits, row: Hira(o.rank or 8, bits),
    "fourierft": lambda o, bits, row: Fourier(o.n_frequency or 1000, bits),
    "waveft": _waveft,
    "peanut": lambda o, bits, row: Peanut(o.rank or 32, bits, _number(o, "depth", 0)),
    "glora": _glora,
    "shira": lambda o, bits, row: Shira(o.rank or 32, bits),
    "randlora": lambda o, bits, row: RandLora(o.rank or 32, bits),
    "tinylora": _tinylora,
    "vblora": lambda o, bits, row: VbLora(
        o.rank or 4, bits, _number(o, "num_vectors", 256), _number(o, "vector_length", 256), _number(o, "topk", 2)
    ),
    "unilora": lambda o, bits, row: UniLora(o.rank or 4, bits, _number(o, "theta_d_length", 256), bits),
    "miss": _miss,
    "delora": lambda o, bits, row: Delora(o.rank or 8, bits),
    "gralora": lambda o, bits, row: Gralora(o.rank or 32, bits, _number(o, "gralora_k", 2), _number(o, "hybrid_r", 0)),
    "lily": lambda o, bits, row: Lily(o.rank or 32, bits, _number(o, "stride_A", 1), _number(o, "num_B", 2)),
    "adamss": lambda o, bits, row: Adamss(
        o.rank or 100, bits, _number(o, "num_subspaces", 5), _number(o, "subspace_rank", 1)
    ),
    "deft": _deft,
    "frod": lambda o, bits, row: Frod(bits, float(o.extra("sparse_rate") or 0.01)),
    "osf": _osf,
    "psoft": _psoft,
}
