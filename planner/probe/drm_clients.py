"""Who holds memory of AMD's and Intel's cards: what the kernel writes of each open card in `/proc/*/fdinfo`.

The format is that of the kernel's `Documentation/gpu/drm-usage-stats.rst`. One client of a card may stand behind many
descriptors and in several processes; it counts once. Only a person's own processes can be read, so of others' programs
nothing is known but that the card is fuller.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from pathlib import Path

from planner.probe import sysfs

UNITS = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
MOST_OF_A_PROCESS = 512
LONGEST_S = 0.5
# Of one region what is resident says more than what was asked for; `memory` is amdgpu's older word for it.
WORDS = ("drm-resident-", "drm-memory-", "drm-total-")


def held_by_card(regions: tuple[str, ...], root: Path = Path("/")) -> dict[str, dict[int, int]]:
    """{PCI address: {pid: bytes}} of the regions of memory that are named, such as `vram`. Own processes only."""
    held: dict[str, dict[int, int]] = {}
    seen: set[tuple[str, str]] = set()
    end = time.monotonic() + LONGEST_S
    for process in sysfs.entries(root / "proc", r"[0-9]{1,9}"):
        if time.monotonic() > end:
            break
        for content in _descriptors(process):
            said = sysfs.fields(content)
            address, client = said.get("drm-pdev", "").lower(), said.get("drm-client-id", "")
            if not address or (address, client) in seen:
                continue
            if client:
                seen.add((address, client))
            of_card, pid = held.setdefault(address, {}), int(process.name)
            of_card[pid] = of_card.get(pid, 0) + bytes_of(said, regions)
    return held


def bytes_of(said: dict[str, str], regions: Iterable[str]) -> int:
    """Bytes of one client in these regions; 0 where they cannot be read."""
    total = 0
    for region in regions:
        words = [said[w + region] for w in WORDS if w + region in said]
        total += size(words[0]) if words else 0
    return total


def size(word: str) -> int:
    """`48596 KiB` as bytes; without a unit they are bytes. 0 for what is no size."""
    found = re.fullmatch(r"([0-9]{1,15})(?:\s+([A-Za-z]+))?", word.strip())
    return int(found[1]) * UNITS.get(found[2] or "", 0) if found else 0


def _descriptors(process: Path) -> Iterable[str]:
    """The descriptors that are open cards, by what they lead to; where no such links are, all of them."""
    opened = process / "fd"
    for info in sysfs.entries(process / "fdinfo", r"[0-9]{1,9}")[:MOST_OF_A_PROCESS]:
        try:
            leads_to = os.readlink(opened / info.name)  # noqa: PTH115
        except (OSError, ValueError):
            leads_to = "/dev/dri/"
        if leads_to.startswith("/dev/dri/"):
            content = sysfs.text(info, 8192)
            if "drm-driver" in content:
                yield content
