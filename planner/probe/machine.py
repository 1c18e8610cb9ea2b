"""Puts what the probes said together into `MachineFacts`. A probe that failed costs its part and leaves a note."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.facts.machine import Device, Holder, MachineFacts
from planner.probe.child import run_all
from planner.run.home import runs_dir

Said = Mapping[str, Any] | str
BF16_CAPABILITY = 8  # NVIDIA compute capability from which bfloat16 is computed in hardware
# Of a Mac's memory Metal lets the GPU wire down about this share unless told otherwise (recommendedMaxWorkingSetSize)
APPLE_SHARES = ((36 * 1024**3, 2, 3), (1 << 62, 3, 4))


def machine(runs_folder: Path | None = None) -> MachineFacts:
    """This machine, now. Takes well under a second; at most about two when a driver hangs. Never raises."""
    own = str(os.getpid())
    probes: dict[str, tuple[str, ...]] = {
        "host": (own,),
        "disk": (str(runs_folder or runs_dir()),),
        "nvidia": (own,),
    }
    if sys.platform.startswith("linux"):
        probes["amd"] = ()
    if sys.platform == "darwin":
        probes["apple"] = ()
    return assemble(run_all(probes), os.environ.get("CUDA_VISIBLE_DEVICES"))


def assemble(said: Mapping[str, Said], visible: str | None = None) -> MachineFacts:
    """The facts from the probes' answers. visible: CUDA_VISIBLE_DEVICES, which may hide devices."""
    notes: list[str] = []
    host = _part(said, "host", "this computer's processor and memory", notes)
    disk = _part(said, "disk", "the disk that runs are kept on", notes)
    total = host.get("ram_total_bytes", 0)
    limit = host.get("limit_bytes", 0)
    available = host.get("ram_available_bytes", 0)
    if limit:
        available = min(available, host.get("limit_free_bytes", limit))
        notes.append("A control group (a container or a batch job) limits the memory of this session.")
    cpu = Device(
        id="cpu",
        kind="cpu",
        name=host.get("cpu", "CPU"),
        total_bytes=min(total, limit) if limit else total,
        free_bytes=available,
        others=_holders(host),
    )
    nvidia = _nvidia(_part(said, "nvidia", "NVIDIA devices", notes), cpu, visible, notes)
    amd = _amd(_part(said, "amd", "AMD devices", notes), notes)
    if nvidia and amd:
        notes.append(
            f"{amd[0].name} is left out: one installation of torch serves NVIDIA's devices or AMD's, not both."
        )
    devices = [
        *(nvidia or amd),
        *_apple(_part(said, "apple", "the Apple GPU", notes), cpu, notes),
    ]
    return MachineFacts(
        name=host.get("name", "this computer"),
        os=host.get("os", sys.platform),
        cpu=cpu.name,
        physical_cores=_cores(host, notes),
        ram_total_bytes=total,
        ram_available_bytes=available,
        limit_bytes=limit,
        disk_free_bytes=max(1, disk["free_bytes"]) if "free_bytes" in disk else 0,  # a full disk is no unread one
        devices=(*devices, cpu),
        ram_others=cpu.others,
        notes=tuple(notes),
    )


def _part(said: Mapping[str, Said], name: str, what: str, notes: list[str]) -> Mapping[str, Any]:
    """One probe's answer with its own notes taken over; empty, with a note, when it failed."""
    answer = said.get(name, {})
    if isinstance(answer, str):
        notes.append(f"Looking at {what} failed: {answer}.")
        return {}
    notes.extend(answer.get("notes", ()))
    return answer


def _holders(part: Mapping[str, Any]) -> tuple[Holder, ...]:
    return tuple(Holder(h["name"], h["bytes"]) for h in part.get("holders", ()))


def _cores(host: Mapping[str, Any], notes: list[str]) -> int:
    """Cores worth computing with: physical ones, fewer where this process may not use them all."""
    physical, usable = host.get("physical_cores", 1), host.get("usable_cores", 1)
    quota = host.get("quota_cores", 0.0)
    cores = min(physical, usable)
    if quota and quota < cores:
        cores = max(1, int(quota))
        notes.append(f"A control group gives this session the time of {quota:g} cores.")
    elif usable < physical:
        notes.append(f"This session may use {usable} of {physical} cores.")
    return max(1, int(cores))


def _nvidia(part: Mapping[str, Any], cpu: Device, visible: str | None, notes: list[str]) -> list[Device]:
    found = []
    for d in _visible(part.get("devices", ()), visible, notes):
        total, free = d["total_bytes"], d["free_bytes"]
        if total is None:
            total, free = cpu.total_bytes, cpu.free_bytes
            notes.append(
                f"{d['name']} has no memory of its own: it shares the computer's RAM, whose figures are shown."
            )
        bf16 = bool(d["capability"]) and d["capability"][0] >= BF16_CAPABILITY
        # NVML's number: the starter of a run makes CUDA count the same way
        found.append(Device(f"cuda:{d['index']}", "cuda", d["name"], total, free, _holders(d), bf16))
    return found


def _visible(devices: Any, visible: str | None, notes: list[str]) -> list[Any]:
    """The devices CUDA_VISIBLE_DEVICES leaves, in its order: indices or UUIDs; CUDA stops at the first wrong one."""
    if visible is None:
        return list(devices)
    chosen = []
    for word in (w.strip() for w in visible.split(",")):
        match = [d for d in devices if word == str(d["index"]) or (word and d["uuid"].startswith(word))]
        if not match:
            break
        chosen.append(match[0])
    if len(chosen) < len(devices):
        notes.append(f"CUDA_VISIBLE_DEVICES hides {len(devices) - len(chosen)} of {len(devices)} NVIDIA devices.")
    return chosen


def _amd(part: Mapping[str, Any], notes: list[str]) -> list[Device]:
    found = []
    for number, d in enumerate(part.get("devices", ())):
        if d["shares_ram"]:
            notes.append(f"{d['name']} takes most of its memory from the computer's RAM; its own part is shown.")
        # ROCm's torch keeps CUDA's names
        found.append(Device(f"cuda:{number}", "rocm", d["name"], d["total_bytes"], d["free_bytes"]))
    return found


def _apple(part: Mapping[str, Any], cpu: Device, notes: list[str]) -> list[Device]:
    found = []
    for d in part.get("devices", ()):
        share = next(cpu.total_bytes * up // down for below, up, down in APPLE_SHARES if cpu.total_bytes <= below)
        limit = d["limit_bytes"] or share
        notes.append(f"{d['name']} shares the computer's RAM; macOS lets it use about {limit / 2**30:.1f} GiB.")
        found.append(Device("mps", "mps", d["name"], limit, min(limit, cpu.free_bytes), cpu.others))
    return found
