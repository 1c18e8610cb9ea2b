"""Intel GPUs: found and named, and said to be out of reach.

Neither i915 nor xe says without root how large a card's memory is or what is free of it (xe has it in debugfs only), and
no technique here has been counted on torch's `xpu`. So they are no devices that can be planned for, and a note says so
rather than a figure that nobody has read. Asked by the host's probe, since it reads sysfs only. Never run on a computer with an Intel GPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from planner.probe import pci
from planner.probe.drm_clients import held_by_card
from planner.units import words

ON_THE_PROCESSOR = "0000:00:02.0"  # where Intel has put the processor's own GPU since there has been one


def probe(root: str = "/") -> dict[str, Any]:
    """The notes as JSON; never a device."""
    at = Path(root)
    notes = []
    for card in [c for c in pci.cards(at) if c.vendor == pci.INTEL]:
        if card.address == ON_THE_PROCESSOR:
            continue  # nearly every laptop has one, and nobody trains on it: no news
        name = pci.name_of(card.vendor, card.device, root=at)
        held = sum(held_by_card(("vram0", "local0"), at).get(card.address, {}).values())
        uses = f" Your programs hold {words(held)} of it." if held else ""
        driver = f"driver {card.driver}" if card.driver else "no driver"
        notes.append(
            f"{f'Intel {name}' if name else f'An Intel GPU ({card.device:04x})'} is here ({driver}). Training on Intel "
            f"GPUs cannot be planned yet, and their memory can be read by root only, so it is left out.{uses}"
        )
    return {"devices": [], "notes": notes}
