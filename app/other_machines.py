"""A computer that is not here, as a person describes it; and those described lately, in a small file. Qt-free.

The card comes from the catalogue, the rest is typed in. What is kept is what was typed, so that a catalogue with better
figures gives better figures.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from planner.atomic_file import write_atomically
from planner.facts.gpus import ASSUMED_DISK_BYTES, ASSUMED_RAM_BYTES, card_named, other_machine
from planner.facts.machine import MachineFacts
from planner.problem import ProblemError
from planner.run.home import home
from planner.units import GIB

FILE = "machines.json"
MOST_KEPT = 8
MOST_CARDS = 64
MOST_RAM_GIB, MOST_DISK_GIB = 16_384.0, 1_048_576.0
LONGEST_NAME = 60


@dataclass(frozen=True)
class OtherMachine:
    """card: its name in the catalogue, empty for none. name: empty for one made from the rest."""

    card: str = ""
    count: int = 1
    ram_gib: float = ASSUMED_RAM_BYTES / GIB
    disk_gib: float = ASSUMED_DISK_BYTES / GIB
    name: str = ""

    def facts(self) -> MachineFacts:
        """Raises ProblemError `machine.unknown_gpu`."""
        made = other_machine(
            self.card,
            ram_bytes=round(self.ram_gib * GIB),
            disk_bytes=round(self.disk_gib * GIB),
            count=self.count,
        )
        return replace(made, name=self.name or f"{made.name}, {size(made.ram_total_bytes / GIB)} of RAM")

    @property
    def unified(self) -> bool:
        """Whether the card's memory is the RAM, so that there is no other figure to give."""
        try:
            return bool(self.card) and card_named(self.card).kind == "mps"
        except ProblemError:
            return False


def size(gib: float) -> str:
    """`64 GiB`, `1.5 GiB`."""
    return f"{gib:.2f}".rstrip("0").rstrip(".") + " GiB"


def named_apart(machine: MachineFacts, *taken: MachineFacts | None) -> MachineFacts:
    """The machine under a name that none of `taken` has, unless it is that very one: by its name a plan knows on which
    computer it is."""
    names = {other.name for other in taken if other is not None and other != machine}
    name, number = machine.name, 2
    while name in names:
        name, number = f"{machine.name} ({number})", number + 1
    return replace(machine, name=name)


def text_of(described: OtherMachine) -> str:
    return json.dumps(asdict(described))


def from_text(text: str) -> OtherMachine | None:
    """None for what describes no computer."""
    try:
        return _checked(json.loads(text))
    except (ValueError, RecursionError):
        return None


def recent() -> list[OtherMachine]:
    """Those planned for lately, the newest first. A damaged file is as good as none."""
    try:
        with (home() / FILE).open("rb") as file:
            kept = json.loads(file.read(64 * 1024))
    except (OSError, ValueError, RecursionError):
        return []
    found = [_checked(one) for one in kept[:MOST_KEPT]] if isinstance(kept, list) else []
    return list(dict.fromkeys(one for one in found if one is not None))


def remember(described: OtherMachine) -> None:
    """Put it first; a home that cannot be written is no reason to stop."""
    kept = [described, *(one for one in recent() if one != described)][:MOST_KEPT]
    try:
        write_atomically(home() / FILE, json.dumps([asdict(one) for one in kept]).encode())
    except ProblemError:
        return


def _checked(value: Any) -> OtherMachine | None:
    if not isinstance(value, dict) or set(value) != {f.name for f in fields(OtherMachine)}:
        return None
    card, name, count = value["card"], value["name"], value["count"]
    sizes = value["ram_gib"], value["disk_gib"]
    if not isinstance(card, str) or not isinstance(name, str) or type(count) is not int:
        return None
    if not all(type(n) in (int, float) and math.isfinite(n) for n in sizes):
        return None
    ram, disk = sizes
    if not (1 <= count <= MOST_CARDS and 0 < ram <= MOST_RAM_GIB and 0 < disk <= MOST_DISK_GIB):
        return None
    found = OtherMachine(card, count, float(ram), float(disk), " ".join(name.split())[:LONGEST_NAME])
    try:
        found.facts()
    except ProblemError:
        return None
    return found
