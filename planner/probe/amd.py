"""AMD devices from sysfs (amdgpu's mem_info_vram_*), without a library. Runs in a child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

AMD_VENDOR = "0x1002"


def probe(root: str = "/") -> dict[str, Any]:
    """All amdgpu devices as JSON, in the order of their PCI addresses, as ROCm counts them."""
    found = []
    for card in sorted(Path(root, "sys/class/drm").glob("card[0-9]*")):
        device = card / "device"
        if _text(device / "vendor") != AMD_VENDOR:
            continue
        total, used = _number(device / "mem_info_vram_total"), _number(device / "mem_info_vram_used")
        if total is None:
            continue
        gtt = _number(device / "mem_info_gtt_total") or 0
        found.append(
            {
                "pci": device.resolve().name,
                "name": _text(device / "product_name") or "AMD GPU",
                "total_bytes": total,
                "free_bytes": max(0, total - (used or 0)),
                # an integrated GPU has a small carve-out and takes the rest from RAM
                "shares_ram": total < gtt,
            }
        )
    unique = {d["pci"]: d for d in sorted(found, key=lambda d: str(d["pci"]))}
    return {"devices": list(unique.values()), "notes": []}


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdecimal() and len(text) < 25 else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
