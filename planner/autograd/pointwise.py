"""Activations that are more than one operation, and norms that compute in float32 throughout."""

from __future__ import annotations

from typing import Any

from planner.autograd.amount import per_token
from planner.autograd.operations import (
    activation,
    add,
    cast,
    mean_of_last,
    multiply,
    relu,
    rsqrt,
    scale,
    shift,
    silu,
    square,
)
from planner.autograd.tape import Gradients, Tape, Value, Weight


def tanh(t: Tape, x: Value) -> Value:
    """Keeps its result."""
    return relu(t, x)


def sigmoid(t: Tape, x: Value) -> Value:
    """Keeps its result."""
    return relu(t, x)


def gelu_new(t: Tape, x: Value) -> Value:
    """transformers' NewGELUActivation: 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), each an operation of its own."""
    half_x = scale(t, x)
    return multiply(t, half_x, shift(t, tanh(t, scale(t, add(t, x, scale(t, square(t, x)))))))


def bloom_gelu(t: Tape, x: Value) -> Value:
    """BloomGelu: a function with a backward of its own, which keeps its input and makes everything else again."""

    def back(g: Value, saved: list[Any]) -> Gradients:
        # 0.5·x·((1 − tanh²)·(0.797… + 0.107…·x·x)) + 0.5·(1 + tanh), then times the gradient
        tanh_out = t.new(x_elements, x_bits)
        first = t.new(x_elements, x_bits)  # 0.5·x
        second = t.new(x_elements, x_bits)  # 1 − tanh²
        third, fourth = t.new(x_elements, x_bits), t.new(x_elements, x_bits)  # 0.107·x, ·x
        del third
        product = t.new(x_elements, x_bits)
        del second, fourth
        left = t.new(x_elements, x_bits)
        del first, product
        right = t.new(x_elements, x_bits)
        total = t.new(x_elements, x_bits)
        del left, right
        result = t.new(x_elements, x_bits)
        del total, tanh_out
        return [result]

    x_elements, x_bits = x.elements, x.bits
    half_x = t.new(x_elements, x_bits)
    inner, cubed = t.new(x_elements, x_bits), t.new(x_elements, x_bits)
    outer = t.new(x_elements, x_bits)
    del inner, cubed
    result = t.result(x_elements, x_bits, [x], back, keep=[x])
    del half_x, outer
    return result


ACTIVATIONS = {"silu": silu, "gelu": activation, "gelu_new": gelu_new, "bloom_gelu": bloom_gelu, "relu": relu}


def rms_norm_in_float32(t: Tape, x: Value, weight: Weight, rows_per_token: int = 1) -> Value:
    """Gemma's: normed and multiplied by 1 + weight in float32, then cast back."""
    wide = cast(t, x, 32)
    factor = rsqrt(t, shift(t, mean_of_last(t, square(t, wide), per_token(rows_per_token))))
    wide = multiply(t, factor, wide)
    del factor
    return cast(t, multiply(t, weight, wide), x.bits)
