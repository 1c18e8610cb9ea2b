"""A mixture of experts: each token is read by a few of many feed-forward layers, chosen by a router.

Follows transformers' grouped_mm experts: rows are copied once for each expert that reads them, sorted by expert, and
each kind of matrix is one grouped matmul over all experts.
"""

from __future__ import annotations

from planner.autograd.amount import per_token
from planner.autograd.layer import Layer
from planner.autograd.operations import add, cast, linear, multiply, scale, silu, softmax
from planner.autograd.parts import add_in_place, cut, pick, share, split
from planner.autograd.pointwise import sigmoid
from planner.autograd.tape import Value, Weight


def mixture(layer: Layer, value: Value, kind: str) -> Value:
    """Routed experts, and beside them the shared one where there is one."""
    t, facts = layer.t, layer.facts
    if not facts.shared_expert_size:
        return _routed(layer, value, kind)
    if not layer.has("shared.gate"):  # DeepSeek's, which comes last
        routed = _routed(layer, value, kind)
        return add(t, routed, _shared(layer, value))
    common = _shared(layer, value)
    routed = _routed(layer, value, kind)
    weight = sigmoid(t, linear(t, value, layer.weight("shared.gate"), 1))
    common = multiply(t, weight, common)
    del weight
    return add(t, routed, common)


def _shared(layer: Layer, value: Value) -> Value:
    t = layer.t
    gated = multiply(t, silu(t, layer.project("shared.gate_proj", value)), layer.project("shared.up_proj", value))
    return layer.project("shared.down_proj", gated)


def _routed(layer: Layer, value: Value, kind: str) -> Value:
    t, facts, rows = layer.t, layer.facts, layer.facts.experts_per_token
    bias = layer.weight("router.bias") if layer.has("router.bias") else None
    logits = linear(t, value, layer.weight("router"), facts.n_experts, bias)
    if kind == "chosen":  # the best are taken first, then softmax among them
        weights = softmax(t, pick(t, logits, per_token(rows)))
    else:
        chances = softmax(t, cast(t, logits, 32))
        weights = pick(t, chances, per_token(rows))
        weights = scale(t, weights)
        if kind == "narrow":
            weights = cast(t, weights, value.bits)
        del chances
    # experts' numbers, the sorted ones, the order and its inverse
    numbers = [t.new(per_token(rows), 64) for _ in range(4)]
    picked = pick(t, value, per_token(rows * facts.hidden_size))
    weights = pick(t, weights, per_token(rows))
    wide, narrow = rows * 2 * facts.expert_size, rows * facts.hidden_size
    biases = _biases(layer, "experts.gate_up_proj", wide)
    made = _grouped(layer, "experts.gate_up_proj", picked, wide, biases)
    made = _gated(layer, made, clamped=kind == "chosen")
    biases = _biases(layer, "experts.down_proj", narrow)
    made = _grouped(layer, "experts.down_proj", made, narrow, biases)
    weighted = multiply(t, weights, made)
    weighted = pick(t, weighted, weighted.elements)
    result = cast(t, _sum_of_experts(layer, weighted), value.bits)
    del numbers, logits, biases
    return result


def _sum_of_experts(layer: Layer, weighted: Value) -> Value:
    """The sum over the experts of each token; its gradient is spread out as a view."""
    t, full = layer.t, weighted.elements
    return t.result(
        per_token(layer.facts.hidden_size),
        weighted.bits,
        [weighted],
        lambda g, _: [Value(t, full, g.bits, None, g.storage)],
    )


def _gated(layer: Layer, made: Value, clamped: bool) -> Value:
    t = layer.t
    if not clamped:
        gate, up = split(t, made, share(made, 1, 2), share(made, 1, 2))
        return multiply(t, silu(t, gate), up)
    # gpt-oss: slices of every second entry, clamped, gate × sigmoid(gate × alpha), times up + 1
    gate, up = cut(t, made, share(made, 1, 2)), cut(t, made, share(made, 1, 2))
    gate, up = silu(t, gate), silu(t, up)  # clamp keeps its input as silu does
    glu = multiply(t, gate, sigmoid(t, scale(t, gate)))
    return multiply(t, scale(t, up), glu)


def _biases(layer: Layer, name: str, d_out: int) -> Value:
    """Each row's bias, picked by its expert, where there are biases; the forward's name for them holds them on."""
    return layer.t.new(per_token(d_out if layer.has(f"{name}.bias") else 0), layer.ways.flow_bits)


def _grouped(layer: Layer, name: str, x: Value, d_out: int, biases: Value) -> Value:
    """One matmul for all rows, each with its own expert's matrix; the gradient is that of all experts' matrices."""
    t, tensor, every = layer.t, next(x for x in layer.stack.tensors if x.name == name), layer.weight(name)
    if tensor.packing is not None:  # unpacked expert by expert
        one = Weight(every.elements // layer.facts.n_experts, every.bits, every.trained)
        return tensor.packing.matmul(t, x, one, d_out, layer.ways.compute_bits)
    if not layer.has(f"{name}.bias"):
        return layer.plain(x, every, d_out)
    return add_in_place(t, layer.plain(x, every, d_out), biases)
