"""What corrections do to the bytes beside the ledger. Arithmetic only; without corrections nothing here is called.

The ends move with the least and the most that runs had, so low never passes expected. A corrected context is as open as runs of one computer
were seen to differ, not as the table of all computers has it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from planner.calibration.correction import ACTIVATIONS, ALLOCATOR, CONTEXT, PER, PROOF, Correction
from planner.calibration.fingerprint import device_name
from planner.calibration.said import evidence
from planner.drafting import device_of
from planner.plan import Plan
from planner.reserved import seen_again, still_open
from planner.units import Num

Three = tuple[Num, Num, Num]


class Learned(NamedTuple):
    """The corrections of one device, by term."""

    context: Correction | None
    allocator: Correction | None
    activations: Correction | None
    proofs: tuple[Correction, ...]

    @property
    def of_all(self) -> tuple[Correction, ...]:
        """Those that hold for all plans."""
        return tuple(c for c in (self.context, self.allocator, self.activations) if c)


@lru_cache(maxsize=64)
def learned(corrections: tuple[Correction, ...], device: str) -> Learned | None:
    """Those of a device (kind and name); None where there are none."""
    of_device = [c for c in corrections if c.device == device]
    if not of_device:
        return None
    by_term = {c.term: c for c in of_device}
    proofs = tuple(c for c in of_device if c.term == PROOF)
    return Learned(by_term.get(CONTEXT), by_term.get(ALLOCATOR), by_term.get(ACTIVATIONS), proofs)


def context(one: Correction | None, table: Three, kind: str) -> Three:
    """Low, expected and high of the context; never below nothing."""
    if one is None:
        return table
    below, above = still_open(kind)
    expected = max(0, table[1] + one.amount)
    low = max(0, min(table[1] + one.low - below, expected))
    return low, expected, max(table[1] + one.high + above, expected)


def allocator(of: Learned, table: Three, live: Num, grows: Num) -> Three:
    """What the allocator keeps, and with it by how much live tensors differ from the ledger."""
    shifts = zip(_share(of.allocator, live), _share(of.activations, grows), strict=True)
    low, expected, high = (end + kept + grown for end, (kept, grown) in zip(table, shifts, strict=True))
    return low, expected, high


def _share(one: Correction | None, of_bytes: Num) -> Three:
    """The least, what is expected and the most, as runs had it."""
    if one is None:
        return 0, 0, 0
    return of_bytes * one.low // PER, of_bytes * one.amount // PER, of_bytes * one.high // PER


def proof_of(of: Learned, plan: str) -> Correction | None:
    return next((c for c in of.proofs if c.plan == plan), None)


def proved(one: Correction, unseen: Three, allocator: Three, kind: str) -> tuple[int, int, int]:
    """Low, expected and high bytes of the whole process of a plan that was proved.

    unseen: for lengths and rows that a proof does not meet. A card's allocator may keep more in a longer run: as much as it was
    open before.
    """
    below, above = seen_again(kind)
    later = allocator[2] - allocator[1] if kind != "cpu" else 0
    expected = one.amount + unseen[1]
    low = min(one.low - one.low * below // 1000 + unseen[0], expected)
    return low, expected, max(one.high + one.high * above // 1000 + unseen[2] + later, expected)


def taught(plan: Plan) -> str:
    """What the computer's own runs have to do with this plan's figures, in words; empty where they have nothing."""
    device = device_of(plan)
    of = learned(plan.machine.corrections, device_name(device)) if device and plan.machine.corrections else None
    return evidence(of.of_all) if of else ""
