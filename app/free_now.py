"""What is free now, while it changes: what is worth telling, what is worth a new estimate, and who it was. Qt-free.

The status bar shows every reading. A plan takes one where it has changed by more than noise; and where the verdict would be
another, only when the next reading says so too, so that a program that takes memory for a moment turns no answer over.
"""

from __future__ import annotations

from collections.abc import Callable

from planner.facts.machine import Device, MachineFacts
from planner.units import MIB, words

NOISE = 0.01  # of the whole: a smaller change of free memory is none
WORTH_NAMING_BYTES = 256 * MIB


def differs(before: MachineFacts, now: MachineFacts) -> bool:
    """Whether the figures have changed by more than noise. A reading that failed tells nothing."""
    if now.ram_total_bytes == 0:
        return False
    if before.corrections != now.corrections or not same_devices(before, now):
        return True
    pairs = zip(before.devices, now.devices, strict=True)
    if any(abs(a.free_bytes - b.free_bytes) > NOISE * max(1, b.total_bytes) for a, b in pairs):
        return True
    return abs(before.disk_free_bytes - now.disk_free_bytes) > NOISE * max(1, before.disk_free_bytes)


def same_devices(before: MachineFacts, now: MachineFacts) -> bool:
    """Whether the same devices are there, with as much memory, under the same limit."""

    def lasting(machine: MachineFacts) -> object:
        return machine.limit_bytes, [(d.id, d.name, d.total_bytes) for d in machine.devices]

    return lasting(before) == lasting(now)


class Steady:
    """Which readings a plan takes. verdict_of: what the plan's answer would be on a machine."""

    def __init__(self, verdict_of: Callable[[MachineFacts], object]) -> None:
        self._verdict_of = verdict_of
        self._waiting: object = None  # an answer that one reading alone would give

    def take(self, shown: MachineFacts, now: MachineFacts) -> bool:
        """Whether `now` takes the place of what is shown."""
        if not differs(shown, now):
            self._waiting = None
            return False
        if not same_devices(shown, now) or shown.corrections != now.corrections:
            self._waiting = None
            return True  # what is there and what was learned is no moment's matter
        answer = self._verdict_of(now)
        if answer in (self._verdict_of(shown), self._waiting):
            self._waiting = None
            return True
        self._waiting = answer
        return False


def what_changed(before: MachineFacts, now: MachineFacts) -> str:
    """`Firefox took 1.20 GiB of RAM`; empty where nothing is worth a line."""
    names = {d.id: d for d in before.devices}, {d.id: d for d in now.devices}
    for was, there, end in ((names[1], names[0], "is here now"), (names[0], names[1], "is gone")):
        if new := [d.name for key, d in was.items() if key not in there]:
            return f"{', '.join(new)} {end}"
    moved = [_who(a, b) for a, b in ((names[0][key], names[1][key]) for key in names[1] if key in names[0])]
    size, sentence = max(moved, default=(0, ""))
    return sentence if size >= WORTH_NAMING_BYTES else ""


def _who(before: Device, now: Device) -> tuple[int, str]:
    """The program whose share of one device has changed most, if the device's free memory went the same way."""
    where = "RAM" if now.kind == "cpu" or now.shares_ram else now.name
    taken = before.free_bytes - now.free_bytes
    if abs(taken) < WORTH_NAMING_BYTES:
        return 0, ""
    held = {h.name: h.bytes for h in before.others}, {h.name: h.bytes for h in now.others}
    changes = {name: held[1].get(name, 0) - held[0].get(name, 0) for name in held[0] | held[1]}
    name = max(changes, key=lambda n: changes[n] if taken > 0 else -changes[n], default="")
    size = changes.get(name, 0)
    if size * taken > 0 and abs(size) >= WORTH_NAMING_BYTES:
        did = "took" if taken > 0 else "gave back"
        return abs(size), f"{name} {did} {words(abs(size))} of {where}"
    way = "less" if taken > 0 else "more"
    return abs(taken), f"{words(abs(taken))} {way} of {where} free than before"
