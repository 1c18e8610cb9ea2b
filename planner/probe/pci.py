"""Graphics and compute cards as the PCI bus shows them, whether or not a driver took them. Linux; reads sysfs only.

It is how a card without its driver is told from no card: NVIDIA's without NVIDIA's driver, AMD's under `radeon` or a
virtual machine's pass-through, Intel's at all. Names come from the system's own table of PCI numbers where it has one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from planner.probe import sysfs

NVIDIA, AMD, INTEL = 0x10DE, 0x1002, 0x8086
DISPLAY_CLASSES = (0x0300, 0x0302, 0x0380, 0x1200)  # VGA, 3D, other display, processing accelerator
TABLES = ("usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids", "usr/share/pci.ids", "var/lib/pciutils/pci.ids")
AMDGPU_TABLE = "usr/share/libdrm/amdgpu.ids"
MOST_TABLE_BYTES = 8 * 1024**2
ADDRESS = r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]"


@dataclass(frozen=True)
class Card:
    """One card. driver: the kernel's module that has it, empty for none. folder: its folder in sysfs."""

    address: str
    vendor: int
    device: int
    revision: int
    driver: str
    folder: Path


def cards(root: Path = Path("/")) -> list[Card]:
    """Every display or compute card, in the order of their addresses."""
    found = []
    for folder in sysfs.entries(root / "sys/bus/pci/devices", ADDRESS):
        kind = _hex(folder / "class")
        if kind is not None and kind >> 8 in DISPLAY_CLASSES:
            vendor, device = _hex(folder / "vendor"), _hex(folder / "device")
            if vendor is not None and device is not None:
                driver = sysfs.linked_name(folder / "driver")
                found.append(Card(folder.name, vendor, device, _hex(folder / "revision") or 0, driver, folder))
    return sorted(found, key=lambda c: c.address)


def name_of(vendor: int, device: int, revision: int = -1, root: Path = Path("/")) -> str:
    """`Navi 31 [Radeon RX 7900 XT/7900 XTX]` as the tables write it; empty where there is none."""
    if vendor == AMD:
        wanted = f"{device:04X},\t{max(revision, 0):02X},\t"
        for line in _table(root / AMDGPU_TABLE):
            if line.upper().startswith(wanted):
                return line[len(wanted) :].strip()[:80]
    for path in TABLES:
        if name := _of_table(_table(root / path), f"{vendor:04x}", f"{device:04x}"):
            return name
    return ""


def _of_table(lines: tuple[str, ...], vendor: str, device: str) -> str:
    """Vendors stand at the margin, their devices one tab in, what builds on those two tabs in."""
    inside = False
    for line in lines:
        if line[:1] not in ("\t", "#", ""):
            inside = line.startswith(f"{vendor} ")
        elif inside and line.startswith(f"\t{device} "):
            return marketed(line[len(device) + 1 :].strip())[:80]
    return ""


def marketed(name: str) -> str:
    """`[Arc B580]` of `Battlemage G21 [Arc B580]`: what people call it stands in brackets."""
    inside = re.search(r"\[([^\[\]]+)\]\s*$", name)
    return inside[1].strip() if inside else name


@lru_cache(maxsize=8)
def _table(path: Path) -> tuple[str, ...]:
    return tuple(sysfs.text(path, MOST_TABLE_BYTES).splitlines())


def _hex(path: Path) -> int | None:
    said = sysfs.text(path, 32)
    return int(said, 16) if re.fullmatch(r"0x[0-9a-fA-F]{1,8}", said) else None
