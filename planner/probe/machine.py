"""Puts what the probes said together into `MachineFacts`. A probe that failed costs its part and leaves a note."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.facts.machine import Device, Holder, MachineFacts
from planner.probe.child import run_all
from planner.probe.visible import cuda_visible, rocm_visible
from planner.run.home import runs_dir
from planner.units import words

Said = Mapping[str, Any] | str
BF16_CAPABILITY = 8  # NVIDIA compute capability from which bfloat16 is computed in hardware
# Of a Mac's memory Metal lets the GPU wire down about this share unless told otherwise (recommendedMaxWorkingSetSize)
APPLE_SHARES = ((36 * 1024**3, 2, 3), (1 << 62, 3, 4))


def probes(runs_folder: Path | None = None) -> dict[str, tuple[str, ...]]:
    """The probes that this system has, with their arguments."""
    own = str(os.getpid())
    found: dict[str, tuple[str, ...]] = {
        "host": (own,),
        "disk": (str(runs_folder or runs_dir()),),
        "nvidia": (own,),
    }
    if sys.platform.startswith("linux"):
        found["amd"] = (own,)
    if sys.platform == "darwin":
        found["apple"] = ()
    return found


def machine(runs_folder: Path | None = None) -> MachineFacts:
    """This machine, now. Takes well under a second; at most about two when a driver hangs. Never raises."""
    return assemble(run_all(probes(runs_folder)), os.environ.get("CUDA_VISIBLE_DEVICES"))


def assemble(said: Mapping[str, Said], visible: str | None = None) -> MachineFacts:
    """The facts from the probes' answers. visible: CUDA_VISIBLE_DEVICES, which may hide devices."""
    notes: list[str] = []
    apple = _part(said, "apple", "the Apple GPU", notes)
    host = {**_part(said, "host", "this computer's processor and memory", notes), **_of_ram(apple)}
    disk = _part(said, "disk", "the disk that runs are kept on", notes)
    total = host.get("ram_total_bytes", 0)
    limit = host.get("limit_bytes", 0)
    available = host.get("ram_available_bytes", 0)
    if limit:
        available = min(available, host.get("limit_free_bytes", limit))
    notes += _limits_in_words(host)
    cpu = Device(
        id="cpu",
        kind="cpu",
        name=host.get("cpu", "CPU"),
        total_bytes=min(total, limit) if limit else total,
        free_bytes=available,
        others=_holders(host),
    )
    nvidia = _nvidia(_part(said, "nvidia", "NVIDIA devices", notes), cpu, visible, notes)
    amd = _amd(_part(said, "amd", "AMD devices", notes), cpu, visible, notes)
    if nvidia and amd:
        notes.append(
            f"{amd[0].name} is left out: one installation of torch serves NVIDIA's devices or AMD's, not both."
        )
    devices = [*(nvidia or amd), *_apple(apple, cpu, notes)]
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
        swap_total_bytes=host.get("swap_total_bytes", 0),
        swap_free_bytes=host.get("swap_free_bytes", 0),
    )


def _part(said: Mapping[str, Said], name: str, what: str, notes: list[str]) -> Mapping[str, Any]:
    """One probe's answer with its own notes taken over; empty, with a note, when it failed."""
    answer = said.get(name, {})
    if isinstance(answer, str):
        notes.append(f"Looking at {what} failed: {answer}.")
        return {}
    notes.extend(answer.get("notes", ()))
    return answer


def _of_ram(apple: Mapping[str, Any]) -> dict[str, Any]:
    """What macOS itself says of the RAM stands before what psutil makes of it."""
    return {k: apple[k] for k in ("ram_available_bytes", "swap_total_bytes", "swap_free_bytes") if k in apple}


def _limits_in_words(host: Mapping[str, Any]) -> list[str]:
    notes = []
    if limit := host.get("limit_bytes", 0):
        whose = host.get("limit_maker") or "A control group (a container or a batch job)"
        total = host.get("ram_total_bytes", 0)
        notes.append(
            f"{whose[:1].upper()}{whose[1:]} limits the memory of this session to {words(limit)} of {words(total)}."
        )
    if host.get("limit_forbids_swap"):
        notes.append("It may not swap: a run that needs more than the limit is ended by the system.")
    if host.get("swap_is_compressed_ram"):
        notes.append("The swap of this computer is compressed RAM (zram), so it is no room beside the RAM.")
    if space := host.get("address_space_bytes", 0):
        notes.append(
            f"This session may use {words(space)} of addresses (ulimit -v). Libraries for training take many times the "
            "addresses that they use, so that a run can fail although its memory is free."
        )
    return notes


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
    for d in cuda_visible(part.get("devices", ()), visible, notes):
        total, free = d["total_bytes"], d["free_bytes"]
        shares = total is None
        if shares:
            total, free = cpu.total_bytes, cpu.free_bytes
            notes.append(
                f"{d['name']} has no memory of its own: it shares the computer's RAM, whose figures are shown."
            )
        bf16 = bool(d["capability"]) and d["capability"][0] >= BF16_CAPABILITY
        others = cpu.others if shares else _holders(d)
        # NVML's number: the starter of a run makes CUDA count the same way
        found.append(Device(f"cuda:{d['index']}", "cuda", d["name"], total, free, others, bf16, shares))
    if found and part.get("torch") in ("cpu", "rocm", "xpu"):
        notes.append(
            f"The torch that is installed here cannot compute on {found[0].name}: it is a build for {_built(part)}. "
            "Install torch as pytorch.org/get-started says for CUDA."
        )
    return found


def _amd(part: Mapping[str, Any], cpu: Device, visible: str | None, notes: list[str]) -> list[Device]:
    told = [d for d in part.get("devices", ()) if d.get("can_compute", True)]
    for d in part.get("devices", ()):
        if not d.get("can_compute", True):
            notes.append(f"{d['name']} is not among the devices that ROCm can compute on, so it is left out.")
    found = []
    for number, d in rocm_visible(told, part.get("visible", {}), visible, notes):
        total, free = d["total_bytes"], d["free_bytes"]
        if d["shares_ram"]:
            total, free = min(total, cpu.total_bytes) or total, min(free, cpu.free_bytes)
            notes.append(
                f"{d['name']} takes its memory from the computer's RAM, up to {words(total)}; what is free of that is "
                f"shown. The {words(d.get('carved_out_bytes', 0))} that are set apart for it are not used to compute."
            )
        # ROCm's torch keeps CUDA's names
        found.append(
            Device(f"cuda:{number}", "rocm", d["name"], total, free, _holders(d), shares_ram=bool(d["shares_ram"]))
        )
    if found and part.get("kfd"):
        why = (
            "the kernel's part for computing (/dev/kfd) is not there"
            if part["kfd"] == "absent"
            else "you may not open /dev/kfd; your user has to be in the groups render and video"
        )
        notes.append(f"Nothing can compute on {found[0].name} in this session: {why}.")
    if found and part.get("torch", "rocm") not in ("rocm", ""):
        notes.append(
            f"The torch that is installed here cannot compute on {found[0].name}: it is a build for {_built(part)}. "
            "Install torch as pytorch.org/get-started says for ROCm."
        )
    return found


def _built(part: Mapping[str, Any]) -> str:
    names = {"cpu": "the CPU alone", "rocm": "AMD (ROCm)", "xpu": "Intel (XPU)"}
    return names.get(part["torch"], "NVIDIA (CUDA)")


def _apple(part: Mapping[str, Any], cpu: Device, notes: list[str]) -> list[Device]:
    found = []
    for d in part.get("devices", ()):
        share = next(cpu.total_bytes * up // down for below, up, down in APPLE_SHARES if cpu.total_bytes <= below)
        limit = min(d["limit_bytes"] or share, cpu.total_bytes or d["limit_bytes"])
        set_so = " (iogpu.wired_limit_mb was changed)" if d["limit_bytes"] else ""
        notes.append(
            f"{d['name']} shares the computer's RAM; macOS lets it use about {limit / 2**30:.1f} GiB{set_so}. "
            "What it takes is missing for everything else."
        )
        free = min(limit, cpu.free_bytes)
        found.append(Device("mps", "mps", d["name"], limit, free, cpu.others, shares_ram=True))
    return found
