"""The miss of one run, split by part, where several counters of it were measured; else said to be known as a sum only.

Counters lie in each other: live tensors, then what the allocator keeps beside them, then the context of the process.
So the difference of two measured counters is a measured part, and the misses of the parts add up to the miss of the
outermost counter. Nothing is guessed: a part without a measurement of its own stays within a larger one. Qt-free.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.pages.trust.rows import TrustRow

STATES = ("weights", "adapter", "gradients", "optimizer states")
ONLY_THE_SUM = "Only the sum was measured, so which part missed by how much is not known."


@dataclass(frozen=True)
class Share:
    """One part with its predicted and measured bytes. total: it is a counter, the sum of the parts above it."""

    name: str
    predicted: int
    measured: int
    total: bool = False

    @property
    def miss_bytes(self) -> int:
        return self.predicted - self.measured


@dataclass(frozen=True)
class Split:
    """shares: parts, each counter after what lies in it; empty with `why_not` where only the sum is known."""

    shares: tuple[Share, ...] = ()
    why_not: str = ""

    @property
    def parts(self) -> tuple[Share, ...]:
        return tuple(x for x in self.shares if not x.total)

    @property
    def outermost(self) -> Share | None:
        return self.shares[-1] if self.shares else None


def split_of(row: TrustRow) -> Split:
    """What is known of where the miss of this run lies."""
    known = {x.name: (x.predicted, x.measured) for x in row.readings}
    own = {"device_used": "process"}.get(row.counter, row.counter)
    known[own] = (row.expected, row.measured)
    shares: list[Share] = []
    inner = (0, 0)
    within: list[str] = []
    if "allocated" in known:
        shares += _tensors(row, known)
        inner = known["allocated"]
        shares.append(Share("live tensors", *inner, total=True))
    else:
        within.append("tensors")
    if "reserved" in known:
        within.append("allocator")
        shares.append(Share(" and ".join(within), *_less(known["reserved"], inner)))
        inner, within = known["reserved"], []
        shares.append(Share("held by the allocator", *inner, total=True))
    else:
        within.append("allocator")
    if "process" in known:
        shares.append(Share(" and ".join([*within, "context"]), *_less(known["process"], inner)))
        shares.append(Share("the process", *known["process"], total=True))
    found = Split(tuple(shares))
    return found if len(found.parts) > 1 else Split(why_not=ONLY_THE_SUM)


def _tensors(row: TrustRow, known: dict[str, tuple[int, int]]) -> list[Share]:
    """What lies still and what the batch brings, where weights, gradients and states were read for themselves."""
    parts = dict(row.parts)
    at_peak = [known.get("after_load")]
    for part, name in (("optimizer states", "optimizer_state"), ("gradients", "gradient")):
        if part in parts:
            at_peak.append(known.get(name))
    told = [x for x in at_peak if x is not None]
    states = sum(x[0] for x in told), sum(x[1] for x in told)
    if len(told) < len(at_peak) or states[0] != sum(parts.get(name, 0) for name in STATES):
        return [Share("tensors", *known["allocated"])]
    named = " and ".join(filter(None, [", ".join(x for x in STATES[:-1] if x in parts), *_last(parts)]))
    return [Share(named, *states), Share("activations and workspace", *_less(known["allocated"], states))]


def _last(parts: dict[str, int]) -> list[str]:
    return [STATES[-1]] if STATES[-1] in parts else []


def _less(outer: tuple[int, int], inner: tuple[int, int]) -> tuple[int, int]:
    return outer[0] - inner[0], outer[1] - inner[1]
