"""AMD devices without a library: amdgpu's files in sysfs, and the kernel's list of what can compute (KFD).

A card has its own memory. A processor's own GPU has a part of RAM carved out for it, and computes in ordinary RAM (GTT)
where that is more: amdgpu sets `apu_prefer_gtt` where `real_vram_size < gtt_size` (drivers/gpu/drm/amd/amdgpu/amdgpu_ttm.c),
and KFD's bank of memory is then as large as RAM may give, which is what ROCm counts with (ROCm/rocm-systems#8475). A
discrete card may have less memory than GTT too, so these two sizes alone say nothing. Runs in a child process. Never run
on an AMD GPU.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from planner.probe import pci, sysfs
from planner.probe.drm_clients import held_by_card
from planner.probe.holders import largest, name_of_process
from planner.probe.torch_build import torch_build

VISIBLE = (1, 2)  # heap types of KFD's memory banks: the card's memory, seen by the processor or not
APU_METRICS = (2, 3)  # of `gpu_metrics`: 1 is a card's, 2 and 3 are a processor's own GPU's (kgd_pp_interface.h)


def probe(own_pid: str = "0", root: str = "/") -> dict[str, Any]:
    """All AMD devices as JSON, in the order of their PCI addresses, as ROCm counts them."""
    at = Path(root)
    nodes = _nodes(at)
    clients: dict[tuple[str, ...], dict[str, dict[int, int]]] = {}
    devices, notes = [], []
    for card in [c for c in pci.cards(at) if c.vendor == pci.AMD]:
        name = sysfs.text(card.folder / "product_name", 200) or _named(card, at)
        vram = sysfs.number(card.folder / "mem_info_vram_total")
        if card.driver not in ("amdgpu", "") or vram is None:
            notes.append(_without_amdgpu(name, card.driver))
            continue
        node = nodes.get(card.address)
        gtt = sysfs.number(card.folder / "mem_info_gtt_total") or 0
        shares = _takes_ram(card, node, vram, gtt)
        used = sysfs.number(card.folder / ("mem_info_gtt_used" if shares else "mem_info_vram_used")) or 0
        total = (node.bank_bytes if node and node.bank_bytes else gtt) if shares else vram
        regions = ("vram", "gtt") if shares else ("vram",)
        if regions not in clients:
            clients[regions] = held_by_card(regions, at)
        devices.append(
            {
                "pci": card.address,
                "name": name,
                "uuid": f"GPU-{sysfs.text(card.folder / 'unique_id', 64)}",
                "total_bytes": total,
                "free_bytes": max(0, total - used),
                "shares_ram": shares,
                "carved_out_bytes": vram if shares else 0,
                "can_compute": node is not None or not nodes,
                "order": list(nodes).index(card.address) if node else len(nodes),
                "holders": _holders(at, node, clients[regions].get(card.address, {}), int(own_pid)),
            }
        )
    return {
        "devices": sorted(devices, key=lambda d: (d["order"], d["pci"])),
        "notes": notes,
        "kfd": _kfd(at),
        "torch": torch_build(),
        "visible": {k: os.environ[k] for k in ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES") if k in os.environ},
    }


class Node:
    """One device of KFD's list. gpu_id: the number it has in `/sys/class/kfd/kfd/proc`."""

    def __init__(self, folder: Path) -> None:
        said = sysfs.fields(sysfs.text(folder / "properties"), " ")
        numbers = {name: sysfs.whole(value) or 0 for name, value in said.items()}
        place = numbers.get("location_id", 0) & 0xFFFF
        self.address = f"{numbers.get('domain', 0) & 0xFFFF:04x}:{place >> 8:02x}:{place >> 3 & 0x1F:02x}.{place & 7:x}"
        self.computes = numbers.get("simd_count", 0) > 0
        self.gpu_id = sysfs.text(folder / "gpu_id", 64)
        banks = [
            sysfs.fields(sysfs.text(b / "properties"), " ") for b in sysfs.entries(folder / "mem_banks", r"[0-9]+")
        ]
        self.bank_bytes = sum(
            sysfs.whole(b.get("size_in_bytes", "")) or 0
            for b in banks
            if sysfs.whole(b.get("heap_type", "")) in VISIBLE
        )


def _nodes(root: Path) -> dict[str, Node]:
    found = [Node(f) for f in sysfs.entries(root / "sys/class/kfd/kfd/topology/nodes", r"[0-9]+")]
    return {node.address: node for node in found if node.computes}


def _takes_ram(card: pci.Card, node: Node | None, vram: int, gtt: int) -> bool:
    """Whether it is a processor's own GPU that computes in ordinary RAM: KFD's bank is then another size than what is
    its own. Without KFD the driver's table of measurements has another form for such a GPU."""
    if node is not None and node.bank_bytes:
        return abs(node.bank_bytes - vram) > vram // 16
    if vram >= gtt:
        return False
    try:
        with (card.folder / "gpu_metrics").open("rb") as file:
            head = file.read(4)
    except OSError:
        return False
    return len(head) == 4 and head[2] in APU_METRICS


def _holders(root: Path, node: Node | None, clients: dict[int, int], own: int) -> list[dict[str, str | int]]:
    """Programs by name. KFD counts what computes, the descriptors what draws too; of one process the larger counts."""
    held = dict(clients)
    if node is not None and node.gpu_id.isascii() and node.gpu_id.isdecimal():
        for process in sysfs.entries(root / "sys/class/kfd/kfd/proc", r"[0-9]{1,9}"):
            computes = sysfs.number(process / f"vram_{node.gpu_id}") or 0
            held[int(process.name)] = max(held.get(int(process.name), 0), computes)
    mine = {own, os.getpid()}
    return largest((name_of_process(pid, root), size) for pid, size in held.items() if pid not in mine)


def _named(card: pci.Card, root: Path) -> str:
    name = pci.name_of(card.vendor, card.device, card.revision, root)
    if not name:
        return f"AMD GPU {card.device:04x}"
    return name if name.upper().startswith(("AMD", "ATI")) else f"AMD {name}"


def _kfd(root: Path) -> str:
    """What stands in the way of computing at all: empty, `absent` or `not permitted`."""
    door = root / "dev/kfd"
    if not door.exists():
        return "absent"
    return "" if os.access(door, os.R_OK | os.W_OK) else "not permitted"


def _without_amdgpu(name: str, driver: str) -> str:
    if driver == "vfio-pci":
        return f"{name} is given to a virtual machine (vfio-pci), so nothing here can compute on it."
    if driver == "amdgpu":
        return f"{name} is here, but its driver does not say how much memory it has, so it is left out."
    by = f"the driver {driver}, which cannot compute" if driver else "no driver"
    return f"{name} is here with {by}. To compute on it, it needs amdgpu."
