"""Corrections in words: what each is called, where it comes from, and by how much its runs lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from planner.calibration.correction import CONTEXT, PER, POWER, PROOF, SPEED, Correction
from planner.units import words


def name_of(correction: Correction) -> str:
    """By which a person takes one away."""
    plan = f" {correction.plan}" if correction.plan else ""
    return f"{correction.term}{plan} on {correction.device.partition(' ')[2]}"


@lru_cache(maxsize=64)
def evidence(of_device: Sequence[Correction]) -> str:
    """`Corrected by 3 runs on this computer: context +41 MiB (+35 MiB to +47 MiB).`; empty for none."""
    proofs = [c for c in of_device if c.term == PROOF]
    others = [c for c in of_device if c.term != PROOF]
    told = [f"Proved on this computer: it took {words(c.amount)}." for c in proofs]
    if others:
        runs = len({run for c in others for run in c.runs})
        amounts = ", ".join(amount_in_words(c) for c in others)
        told.append(f"Corrected by {runs} run{'s' if runs > 1 else ''} on this computer: {amounts}.")
    return " ".join(told)


def amount_in_words(correction: Correction) -> str:
    """`context +41 MiB (+35 MiB to +47 MiB)`, `allocator +1.2 %`."""
    if correction.term == PROOF:
        return f"took {words(correction.amount)}"
    return f"{correction.term} {size_in_words(correction)}"


def size_in_words(correction: Correction) -> str:
    """`+41 MiB (+35 MiB to +47 MiB)`, `−1.20 %`; without a spread where all runs agree."""
    c = correction
    shown = SHOWN.get(c.term, _per_hundred)
    spread = "" if c.low == c.high == c.amount else f" ({shown(c.low)} to {shown(c.high)})"
    return f"{shown(c.amount)}{spread}"


def _signed(amount: int) -> str:
    return f"{'+' if amount > 0 else ''}{words(amount)}"


def _per_hundred(amount: int) -> str:
    sign = "−" if amount < 0 else "+" if amount else ""
    return f"{sign}{abs(amount) * 100 / PER:.2f} %"


def _times(amount: int) -> str:
    return f"{amount / PER:.2f} × the seconds"


def _watts(amount: int) -> str:
    return f"{amount / 1000:.1f} W"


SHOWN = {PROOF: words, CONTEXT: _signed, SPEED: _times, POWER: _watts}
