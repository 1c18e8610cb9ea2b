"""The machine that a run really had, from what its error says: the card by its capacity, free what others left of it."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from planner.facts.gpus import Gpu, gpus, other_machine
from planner.facts.machine import Device, Holder, MachineFacts
from planner.reserved import context_of
from planner.units import GIB, words
from planner.why.reading import Reading
from planner.why.text import Text

KINDS = {"cuda": "cuda", "hip": "rocm", "xpu": "xpu", "mps": "mps"}
# What torch shows as total against the driver's total: 23.55 to 23.69 GiB of 23.99 were seen for one kind of card.
LEAST_SHARE, MOST_SHARE = 0.955, 1.012
WATERMARK = 1.7  # torch lets Metal have so many times what macOS recommends (PYTORCH_MPS_HIGH_WATERMARK_RATIO)
_SHORT = re.compile(r"^(?:nvidia|tesla|quadro|geforce|amd|instinct|radeon|intel|apple)\s+")


def machine_of(reading: Reading, text: Text) -> MachineFacts | None:
    """A computer with the card of this error and what of it was free for the run. None where the error names no size."""
    kind = KINDS.get(reading.kind)
    if kind is None or not reading.total:
        return None
    total, free = reading.total, room(reading)
    card = _card(kind, total, text)
    base = other_machine(card.name if card else gpus_of(kind)[0].name)
    others = tuple(Holder(f"process {pid}", size) for pid, size in reading.others)
    name = card.name if card else f"Card of {words(total)}"
    device = Device(
        id=base.devices[0].id,
        kind=kind if kind != "xpu" else "cuda",  # no figures of Intel's runtime are known: taken as CUDA's
        name=name,
        total_bytes=total,
        free_bytes=free,
        others=others,
    )  # a card without bfloat16 ran in float16, which has as many bytes
    seen = f"{words(total)} in all and {words(free)} for this run are from the error."
    older = (
        f" {name} computes in float16 where bfloat16 is said: as many bytes." if card and not card.supports_bf16 else ""
    )
    assumed = "RAM, processor and disk of that computer are assumed."
    return replace(
        base,
        name=f"a computer with {name if card else f'a card of {words(total)}'}",
        devices=(device, *base.devices[1:]),
        notes=(f"{seen}{older}", assumed),
    )


def room(reading: Reading) -> int:
    """What of the card the run could have had, its context included: all that others did not hold."""
    assert reading.total is not None
    total = reading.total
    if reading.allowed is not None:
        total = min(total, reading.allowed)
    if reading.process is not None and reading.free is not None:
        return max(0, min(total, reading.process + reading.free))
    if reading.others:
        return max(0, total - reading.others_bytes)
    return max(0, total - unexplained(reading))


def unexplained(reading: Reading) -> int:
    """Of an error that lists no processes: what is neither free nor torch's nor a context, and so another program's."""
    if reading.process is not None or None in (reading.total, reading.free, reading.reserved):
        return 0
    known = (reading.total or 0) - (reading.free or 0) - (reading.reserved or 0)
    return max(0, known - context_of(0)[2])


@lru_cache(maxsize=8)
def gpus_of(kind: str) -> tuple[Gpu, ...]:
    found = tuple(g for g in gpus() if g.kind == kind)
    return found or tuple(g for g in gpus() if g.kind == "cuda")


def fitting(kind: str, total: int) -> tuple[Gpu, ...]:
    """Cards of the table whose capacity torch would print like this; of Intel's none can be planned for."""
    if kind == "xpu":
        return ()
    if kind == "mps":
        total = round(total / WATERMARK)
        return tuple(g for g in gpus_of(kind) if abs(g.usable_bytes - total) <= total * (MOST_SHARE - 1))
    return tuple(
        g
        for g in gpus_of(kind)
        if g.usable_bytes * LEAST_SHARE <= total <= max(g.usable_bytes, g.memory_bytes) * MOST_SHARE
    )


def _card(kind: str, total: int, text: Text) -> Gpu | None:
    """The one card that fits the capacity, or the one of those that the text names; None where it stays open."""
    found = fitting(kind, total)
    if len(found) == 1:
        return found[0]
    squeezed = text.squeezed
    named = [g for g in found if _short(g.name) in squeezed]
    return max(named, key=lambda g: len(_short(g.name)), default=None)


def _short(name: str) -> str:
    """`rtx4090` of NVIDIA GeForce RTX 4090: as people write it, without white space."""
    plain = name.split(", ")[0].casefold()
    while (shorter := _SHORT.sub("", plain)) != plain:
        plain = shorter
    return "".join(plain.split())


def could_be(reading: Reading) -> str:
    """`as an RTX 3090, RTX 4090 or RTX A5000 has`; empty where the table has no such card."""
    kind = KINDS.get(reading.kind)
    if kind is None or not reading.total or reading.total > 2000 * GIB:
        return ""
    names = [g.name.removeprefix("NVIDIA ").removeprefix("GeForce ") for g in fitting(kind, reading.total)]
    if not names:
        return ""
    shown = names[:4] + (["others"] if len(names) > 4 else [])
    return f"as {', '.join(shown[:-1])} or {shown[-1]} have" if len(shown) > 1 else f"as {shown[0]} has"
