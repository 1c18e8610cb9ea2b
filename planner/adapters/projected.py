"""Adapters that first take a part of what the frozen weight does: DEFT, AdaMSS, OSF, FRoD."""

from __future__ import annotations

from dataclasses import dataclass

from planner.adapters.adapted import tensor
from planner.adapters.algebra import combined, matmul, pointwise, reshaped, seen, size, times, to
from planner.autograd.amount import fixed, per_token
from planner.autograd.operations import add, cast, contiguous, dropout, linear, scale
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Frozen, Site, Tensor


@dataclass(frozen=True, slots=True)
class Deft:
    """In float32: what the frozen result has in a trained subspace is taken out, and, if `injects`, R(x) put there."""

    rank: int
    bits: int
    orthogonal: bool = False
    injects: bool = True
    dropout: float = 0.0

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        r = min(self.rank, site.d_out)
        p = tensor(site, "deft_P", (site.d_out, r), layers, self.bits)
        return (p, tensor(site, "deft_R", (r, site.d_in), layers, self.bits)) if self.injects else (p,)

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        r = min(self.rank, base.d_out)
        wide, narrow = per_token(base.d_out), per_token(r)
        first = base(x)
        stored = first.bits
        result = cast(t, first, 32)
        product = result
        x = cast(t, x, 32)
        p = to(t, seen(t, Weight(base.d_out * r, self.bits, True)), 32)
        if self.orthogonal:
            p = combined(t, (p,), fixed(base.d_out * r), 32, (fixed(r * r), fixed(base.d_out * r)))
            right = p
        else:
            right = pointwise(t, p, keeps="result")
        part = matmul(t, matmul(t, product, right, narrow), p, wide)
        result = add(t, result, part)
        if self.injects:
            factor = scale(t, reshaped(t, Weight(r * base.d_in, self.bits, True)))
            dropped = dropout(t, x) if self.dropout else x
            result = add(t, result, matmul(t, matmul(t, dropped, factor, narrow), p, wide))
        return cast(t, result, stored)


@dataclass(frozen=True, slots=True)
class Adamss:
    """A frozen projection to `rank`, then `subspaces` pairs of thin matrices, each for its rows of the result.

    All in the model's type; `frozen_bits` is what the projection is kept in.
    """

    rank: int
    bits: int
    subspaces: int
    subspace_rank: int = 1
    frozen_bits: int = 32

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        k = self.subspace_rank
        return (
            tensor(site, "adamss_A", (self.subspaces * k, self.rank), layers, self.bits),
            tensor(site, "adamss_B", (site.d_out, k), layers, self.bits),
            tensor(site, "adamss_newB", (self.rank, site.d_in), layers, self.frozen_bits, trained=False),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, k = base(x), self.subspaces * self.subspace_rank
        bits = result.bits
        frozen = to(t, Weight(self.rank * base.d_in, self.frozen_bits, False), bits)
        projected = matmul(t, x, frozen, per_token(self.rank))
        a = to(t, Weight(k * self.rank, self.bits, True), bits)
        b = to(t, Weight(self.subspace_rank * base.d_out, self.bits, True), bits)
        chunks = matmul(t, matmul(t, projected, a, per_token(k)), b, per_token(base.d_out))
        update = contiguous(t, chunks)
        del chunks
        return add(t, result, contiguous(t, update))


@dataclass(frozen=True, slots=True)
class Osf:
    """The weight as two parts of its decomposition, put together in each forward; the smaller part is trained.

    All in the model's type, beside the weight itself. frozen: directions of each target that stay, by name. As PEFT
    does it before 0.20; later the frozen matmul runs and the change of the trained part is added to it.
    """

    frozen: tuple[tuple[str, int], ...]
    bits: int

    def _ranks(self, name: str, d_in: int, d_out: int) -> tuple[int, int]:
        smaller = min(d_in, d_out)
        high = min(dict(self.frozen).get(name, smaller // 2), smaller)
        return high, smaller - high

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return tuple(
            tensor(site, f"{name}_{part}", shape, layers, self.bits, trained=part == "low")
            for part, k in zip(("high", "low"), self._ranks(site.weight, site.d_in, site.d_out), strict=True)
            if k
            for name, shape in (("osf_U", (site.d_out, k)), ("osf_S", (k,)), ("osf_V", (k, site.d_in)))
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        full, bits = fixed(base.d_in * base.d_out), self.bits
        high, low = self._ranks(base.name, base.d_in, base.d_out)
        scaled = t.new(fixed(base.d_out * high), bits)
        frozen = t.new(full, bits)
        del scaled
        u, s, v = (Weight(n, bits, True) for n in (base.d_out * low, low, low * base.d_in))
        trained = matmul(t, times(t, s, u), v, full)
        weight = add(t, frozen, trained)
        del frozen, trained
        return matmul(t, x, weight, per_token(base.d_out))


@dataclass(frozen=True, slots=True)
class Frod:
    """U(S + Λ)Vᵀ instead of the frozen matmul. S has entries at frozen places, in 16 bits it is made dense.

    part: share of those places. U is as large as the weight, which waits on the host while U is on the device; V and
    the places wait there too and are copied in each forward. resident: the host is the device, all is there.
    """

    bits: int
    part: float
    resident: bool = False

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (
            tensor(site, "frod_lambda_s_values", (int(self.part * site.d_in * site.d_in),), layers, self.bits),
            tensor(site, "frod_lambda_l", (site.d_in,), layers, self.bits),
            *((tensor(site, "frod_U", (site.d_out, site.d_in), layers, 16, trained=False),) if self.resident else ()),
        )

    def shared(self, sites: tuple[Site, ...], layers: int) -> tuple[Tensor, ...]:
        if not self.resident:
            return ()
        return tuple(
            x
            for s in sites
            for x in (
                tensor(s, "frod_V", (s.d_in, s.d_in), 1, 16, trained=False),
                tensor(s, "frod_places", (2, int(self.part * s.d_in * s.d_in)), 1, 64, trained=False),
            )
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        bits, square = x.bits, fixed(base.d_in * base.d_in)
        entries = int(self.part * base.d_in * base.d_in)
        u = Weight(base.d_in * base.d_out, bits, False)
        v: Value | Weight = Weight(base.d_in * base.d_in, bits, False)
        places: Value | Weight = Weight(2 * entries, 64, False)
        if not self.resident:
            v, places = t.new(size(v), bits), t.new(size(places), 64)
        values = to(t, Weight(entries, self.bits, True), bits)
        lengths = to(t, Weight(base.d_in, self.bits, True), bits)
        sparse = combined(t, (values,), fixed(entries), bits)
        turned = matmul(t, x, v, per_token(base.d_in))
        dense = combined(t, (sparse,), square, bits)
        mixed = matmul(t, turned, dense, per_token(base.d_in))
        del dense
        both = add(t, mixed, times(t, lengths, turned))
        result = matmul(t, both, u, per_token(base.d_out))
        del places
        return result


@dataclass(frozen=True, slots=True)
class Psoft:
    """A small rotation between frozen factors of the weight. kept: rows of the decomposition that A is a slice of."""

    rank: int
    bits: int
    whole: bool = True

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        r = self.rank
        # A is a slice of the full decomposition's factor, all of which its storage holds
        rows = min(site.d_in, site.d_out) if self.whole else r
        return (
            tensor(site, "psoft_R", (r * (r - 1) // 2,), layers, self.bits),
            tensor(site, "psoft_vectors", (2, r), layers, self.bits),
            tensor(site, "psoft_places", (2, r * (r - 1) // 2), layers, 64, trained=False),
            tensor(site, "psoft_A", (rows, site.d_in), layers, 32, trained=False),
            tensor(site, "psoft_B", (site.d_out, r), layers, 32, trained=False),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, r = base(x), self.rank
        stored = result.bits
        x = cast(t, x, 32)
        inner = linear(t, x, Weight(r * base.d_in, 32, False), r)
        trained = Weight(r * (r - 1) // 2, self.bits, True), Weight(2 * r, self.bits, True)
        rotation = combined(t, trained, fixed(r * r), self.bits, (fixed(4 * r * r),))
        turned = matmul(t, inner, rotation, per_token(r))
        update = linear(t, add(t, turned, inner), Weight(r * base.d_out, 32, False), base.d_out)
        return cast(t, add(t, result, scale(t, update)), stored)
