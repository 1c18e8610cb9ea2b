"""Machines that are not here: a GPU of the catalogue in an ordinary computer, so that a plan can be made for it.

The table is `assets/gpus.csv`, with a source for every figure. The host around the card is an assumption, and says so.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from functools import cache

from planner.assets import asset
from planner.facts.machine import Device, MachineFacts
from planner.problem import fail
from planner.units import GIB

KINDS = {"nvidia": "cuda", "amd": "rocm", "apple": "mps"}
BF16_CAPABILITY = 8.0  # NVIDIA compute capability from which bfloat16 is computed in hardware
ASSUMED_RAM_BYTES = 64 * GIB
ASSUMED_CORES = 8
ASSUMED_DISK_BYTES = 500 * GIB


@dataclass(frozen=True)
class Gpu:
    """One card. name: unique, with its memory where a card comes in several sizes. usable_bytes: what its driver
    shows as total; memory, tflops and bandwidth as its maker states them, 0 where nobody does. bf16_tflops: dense, fp16's
    where a card has no bf16. fp32_tflops: in full precision, so outside tensor cores (TF32 is less); AMD's matrix cores
    have it."""

    name: str
    vendor: str
    memory_bytes: int
    usable_bytes: int
    bandwidth_gb_s: float
    bf16_tflops: float
    compute_capability: float
    year: int
    notes: str
    source: str
    usable_source: str
    host_link_gb_s: float = 0.0
    fp32_tflops: float = 0.0
    fp32_source: str = ""

    @property
    def kind(self) -> str:
        return KINDS.get(self.vendor, "")

    @property
    def supports_bf16(self) -> bool:
        return self.vendor != "nvidia" or self.compute_capability >= BF16_CAPABILITY


@cache
def gpus() -> tuple[Gpu, ...]:
    """Every card of the table."""
    with asset("gpus.csv").open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    sizes = Counter(row["name"] for row in rows)
    return tuple(_gpu(row, several_sizes=sizes[row["name"]] > 1) for row in rows)


@cache
def capability_of(name: str) -> float:
    """The compute capability of an NVIDIA card by the name that its driver gives it; 0 where the table has none."""
    plain = name.split(", ")[0].casefold()
    return next((g.compute_capability for g in gpus() if g.name.split(", ")[0].casefold() == plain), 0.0)


def _gpu(row: dict[str, str], *, several_sizes: bool) -> Gpu:
    return Gpu(
        name=f"{row['name']}, {row['memory_advertised_gb']} GB" if several_sizes else row["name"],
        vendor=row["vendor"],
        memory_bytes=int(row["memory_advertised_bytes"]),
        usable_bytes=int(row["memory_usable_bytes"]),
        bandwidth_gb_s=float(row["bandwidth_gb_s"] or 0),
        bf16_tflops=float(row["bf16_tflops_dense"] or 0),
        compute_capability=float(row["compute_capability"] or 0),
        year=int(row["year"]),
        notes=row["notes"],
        source=row["source"],
        usable_source=row["usable_source"],
        host_link_gb_s=float(row["host_link_gb_s_one_way"] or 0),
        fp32_tflops=float(row["fp32_tflops"] or 0),
        fp32_source=row["fp32_source"],
    )


def other_machine(
    name: str,
    *,
    ram_bytes: int = ASSUMED_RAM_BYTES,
    disk_bytes: int = ASSUMED_DISK_BYTES,
    count: int = 1,
    called: str = "",
) -> MachineFacts:
    """A computer with so many such cards, all of its memory free; without a card for no name. called: what it is named.
    Raises `machine.unknown_gpu`."""
    card = card_named(name) if name else None
    unified = card is not None and card.kind == "mps"
    ram = card.memory_bytes if card is not None and unified else ram_bytes
    cards = () if card is None else tuple(_device(card, number) for number in range(1 if unified else count))
    cpu = Device("cpu", "cpu", "CPU", ram, ram)
    notes = [f"{_size(ram)} of RAM and {ASSUMED_CORES} cores are assumed; all memory counts as free."]
    if card is not None:
        notes.append(f"Memory of the card: {card.usable_source}.")
    if len(cards) > 1:
        notes.append(f"A plan computes on one of the {len(cards)} cards.")
    many = "one" if len(cards) == 1 else str(len(cards))
    return MachineFacts(
        name=called or (f"a computer with {many} {card.name}" if card is not None else "a computer without a GPU"),
        os="",
        cpu="CPU",
        physical_cores=ASSUMED_CORES,
        ram_total_bytes=ram,
        ram_available_bytes=ram,
        limit_bytes=0,
        disk_free_bytes=disk_bytes,
        devices=(*cards, cpu),
        notes=tuple(notes),
    )


def card_named(name: str) -> Gpu:
    """The card of the catalogue that can be planned for. Raises `machine.unknown_gpu`."""
    card = next((g for g in gpus() if g.name.casefold() == name.casefold()), None)
    if card is None or not card.kind:  # a vendor whose devices torch reaches by no name we know
        near = [g.name for g in gpus() if g.kind and name.casefold() in g.name.casefold()][:5]
        raise fail(
            "machine.unknown_gpu",
            f"The catalogue has no card {name!r:.60} that can be planned for.",
            f"Near to it: {', '.join(near)}." if near else "Choose one of the list.",
        )
    return card


def _device(card: Gpu, number: int) -> Device:
    return Device(
        id="mps" if card.kind == "mps" else f"cuda:{number}",
        kind=card.kind,
        name=card.name,
        total_bytes=card.usable_bytes,
        free_bytes=card.usable_bytes,
        supports_bf16=card.supports_bf16,
        shares_ram=card.kind == "mps",
    )


def _size(n: int) -> str:
    return f"{n / GIB:.1f}".removesuffix(".0") + " GiB"
