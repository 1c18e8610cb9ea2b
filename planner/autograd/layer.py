"""What a family's block is written with: its norms, matmuls and attention, done in the ways that the run does them.

A block says what it computes; whether a matrix is packed, carries an adapter or is read in 16 bits is settled here, so
that no family needs to know. Adds up nothing.
"""

from __future__ import annotations

from typing import Any

from planner.autograd.amount import fixed, per_token
from planner.autograd.matmul import of_copies
from planner.autograd.operations import cast, contiguous, kept, layer_norm, linear, repeat, rms_norm
from planner.autograd.pointwise import rms_norm_in_float32
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Heads, Prefix, Site, Stack, Tensor, Ways


class Shared:
    """What all blocks of a stack read: rotary cosines and sines, the mask, an encoder's result. None: there is none."""

    __slots__ = ("cos", "encoded", "mask", "sin")

    def __init__(self, cos: Value | None, sin: Value | None, mask: Value | None, encoded: Value | None = None) -> None:
        self.cos, self.sin, self.mask, self.encoded = cos, sin, mask, encoded


class Layer:
    """One block on the tape. cache: keys and values that outlive it where the loop keeps a KV cache. left: what packed
    matmuls read, where the loop keeps their graph."""

    __slots__ = ("_sites", "_weights", "aside", "cache", "facts", "left", "stack", "t", "ways")

    def __init__(self, t: Tape, stack: Stack, ways: Ways) -> None:
        self.t, self.stack, self.ways, self.facts = t, stack, ways, stack.facts
        self._weights: dict[str, Tensor] = {tensor.name: tensor for tensor in stack.tensors}
        self._sites: dict[str, Site] = {site.weight: site for site in stack.sites}
        self.cache: list[Value] = []
        self.left: list[Value] = []
        self.aside: dict[str, Value] = {}

    def has(self, name: str) -> bool:
        """Whether the stack has a matmul or a tensor of this name."""
        return name in self._sites or name in self._weights

    def weight(self, name: str) -> Weight:
        """One block's tensor of this name."""
        tensor = self._weights[name]
        return Weight(tensor.elements // tensor.count, tensor.bits, tensor.trained)

    def rms_norm(self, name: str, x: Value, rows_per_token: int = 1) -> Value:
        """Over the hidden size, or over each of `rows_per_token` heads. LitGPT multiplies by the weight in float32."""
        if self.ways.loop.joined_qkv:
            return rms_norm_in_float32(self.t, x, self.weight(name), rows_per_token)
        return rms_norm(self.t, x, self.weight(name), rows_per_token)

    def layer_norm(self, name: str, x: Value) -> Value:
        """torch's own kernel with weight and, where there is one, bias; in float32 under autocast."""
        bias = self.weight(f"{name}.bias") if self.has(f"{name}.bias") else None
        if self.ways.autocast:
            x = cast(self.t, x, 32)
        return layer_norm(self.t, x, self.weight(name), bias)

    def project(self, name: str, x: Value) -> Value:
        """The matmul of this name with its bias, its adapter's part included."""
        return self.matmul(self._sites[name], x)

    def matmul(self, site: Site, x: Value) -> Value:
        """A site's matmul with its bias, its adapter's part included."""
        base = _Matmul(self, site)
        return base(x) if site.adapter is None else site.adapter.beside(self.t, x, base)

    def site(self, name: str, d_in: int, d_out: int) -> Site:
        """The site of this name, or a bare one of these sizes where the stack lists none."""
        return self._sites.get(name) or Site(name, d_in, d_out, self.has(f"{name}.bias"))

    def is_packed(self, name: str) -> bool:
        return self._weights[name].packing is not None

    def frozen(self, site: Site, x: Value) -> Value:
        """The matmul of a site with its bias, without its adapter."""
        tensor, matrix = self._weights[site.weight], self.weight(site.weight)
        bias = self.weight(f"{site.weight}.bias") if site.bias else None
        if tensor.packing is not None:
            if self.ways.loop.keeps_graph and x.node is not None:
                x = kept(self.t, x)
                self.left.append(x)
            return tensor.packing.matmul(self.t, x, matrix, site.d_out, self.ways.compute_bits)
        return self.plain(x, matrix, site.d_out, bias)

    def plain(self, x: Value, matrix: Weight, d_out: int, bias: Weight | None = None) -> Value:
        """A matmul with an unpacked matrix: under autocast of 16-bit copies of x and of the matrix."""
        bits = self.ways.compute_bits
        if not self.ways.autocast:
            return linear(self.t, x, matrix, d_out, bias)
        return of_copies(self.t, x, matrix, d_out, bits, bias)

    def attend(self, heads: Heads, q: Value, k: Value, v: Value, mask: Value | None) -> tuple[Value, Value | None]:
        """The attention core. Where a cache is kept, keys and values are copied into it first and read from there."""
        if self.stack.prefix is not None:
            k, v = self._after_prefix(self.stack.prefix, heads, k), self._after_prefix(self.stack.prefix, heads, v)
            if self.ways.loop.keeps_cache:
                self.cache += [k, v]
        elif self.ways.loop.keeps_cache:
            k, v = contiguous(self.t, k), contiguous(self.t, v)
            self.cache += [k, v]
        if self.ways.loop.repeats_kv and mask is None:
            times = heads.n_heads // heads.n_kv_heads
            k, v = repeat(self.t, k, heads.n_kv_heads, times), repeat(self.t, v, heads.n_kv_heads, times)
            heads = heads._replace(n_kv_heads=heads.n_heads)
        return self.ways.attend(
            self.t, heads._replace(capped=self.facts.soft_caps, dropped=self.facts.attention_dropout), q, k, v, mask
        )

    def _after_prefix(self, prefix: Prefix, heads: Heads, x: Value) -> Value:
        """Keys or values behind those of the prefix, in one piece; the prefix gets its slice of the gradient."""
        own = prefix.tokens * heads.n_kv_heads * heads.head_dim
        before, (a, b, c, d) = x.elements, x.elements

        def back(g: Value, saved: list[Any]) -> list[Value | None]:
            return [Value(self.t, before, g.bits, None, g.storage), self.t.new(fixed(own), prefix.bits)]

        whole = (a + prefix.rows * own, b, c, d)
        return self.t.result(whole, x.bits, [x, Weight(own, prefix.bits, True)], back)

    def hidden(self, n: int) -> Value:
        """A new value of n elements a token in the type that flows between blocks."""
        return self.t.new(per_token(n), self.ways.flow_bits)


class _Matmul:
    """One matmul of a block as its adapter sees it: without the adapter. aside: values that adapters of one block share."""

    __slots__ = ("_layer", "_site", "aside", "d_in", "d_out", "matrix", "name", "ways")

    def __init__(self, layer: Layer, site: Site) -> None:
        self._layer, self._site, self.aside, self.ways = layer, site, layer.aside, layer.ways
        self.name, self.d_in, self.d_out, self.matrix = site.weight, site.d_in, site.d_out, layer.weight(site.weight)

    def __call__(self, x: Value) -> Value:
        return self._layer.frozen(self._site, x)

    def plain(self, x: Value, matrix: Weight, d_out: int) -> Value:
        return self._layer.plain(x, matrix, d_out)
