"""What the planner knows about a machine. Figures come from `planner.probe`, from a catalogue, or from a person."""

from __future__ import annotations

from dataclasses import dataclass

from planner.calibration.correction import Correction

KINDS = ("cpu", "cuda", "rocm", "mps")


@dataclass(frozen=True)
class Holder:
    """Another program that holds memory now."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Device:
    """One place that can compute. id: `cpu`, `cuda:0`, `mps`; kind: cpu, cuda, rocm, mps.

    For the CPU total and free are the host's. free_bytes: what may be had now; others: who holds the rest, by name.
    shares_ram: its memory is the computer's RAM, so that what it takes is missing there.
    """

    id: str
    kind: str
    name: str
    total_bytes: int
    free_bytes: int
    others: tuple[Holder, ...] = ()
    supports_bf16: bool = True
    shares_ram: bool = False


@dataclass(frozen=True)
class MachineFacts:
    """One computer. limit_bytes: of the control group (container), 0 if none. notes: what could not be read and why.
    corrections: what its own runs have taught.

    A total of RAM or a free space of the disk of 0 could not be read, which is another thing than little.
    swap_free_bytes: what the system could still move from RAM to its swap; it is never room to plan with.
    """

    name: str
    os: str
    cpu: str
    physical_cores: int
    ram_total_bytes: int
    ram_available_bytes: int
    limit_bytes: int
    disk_free_bytes: int
    devices: tuple[Device, ...]
    ram_others: tuple[Holder, ...] = ()
    notes: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    swap_total_bytes: int = 0
    swap_free_bytes: int = 0

    def device(self, device_id: str) -> Device | None:
        return next((d for d in self.devices if d.id == device_id), None)

    @property
    def host_total_bytes(self) -> int:
        """RAM, or the control group's limit where that is smaller."""
        return min(self.ram_total_bytes, self.limit_bytes) if self.limit_bytes else self.ram_total_bytes

    @property
    def host_free_bytes(self) -> int:
        return min(self.ram_available_bytes, self.host_total_bytes)
