"""How fast a device computes, moves bytes and starts operations: from the table of cards, or from this computer's own runs.

Pure: nothing is measured here. What is not known of a device makes the band wide and is said in `source`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from planner.drafting import device_of
from planner.facts.gpus import gpus
from planner.facts.machine import MachineFacts
from planner.plan import Plan


class Speed(NamedTuple):
    """flops_16, flops_32: of matmuls in 16 and in 32 bits, a second. bytes_s: written by operations between matmuls, or
    read. host_bytes_s: to and from the computer's memory, 0 where the device is the computer. operation_s: to start one.

    low, high: between how much of the expected seconds and how much of them it may take. source: where all this is
    from, a sentence. watts: seen in this device's own runs.
    """

    flops_16: float
    flops_32: float
    bytes_s: float
    host_bytes_s: float
    operation_s: float
    low: float
    high: float
    source: str
    watts: float | None = None


def speed_of(plan: Plan) -> Speed | None:
    """Of the device that the plan computes on; None for one of which nothing is known."""
    device = device_of(plan)
    if device is None:
        return None
    if device.kind == "cpu":
        return _of_cores(plan.stage.schedule.threads or plan.machine.physical_cores, plan.machine)
    return _of_card(device.name)


@lru_cache(maxsize=256)
def _of_cores(threads: int, machine: MachineFacts) -> Speed:
    threads = max(1, min(threads, machine.physical_cores or threads))
    source = "assumed for a processor core of our time; no run of this computer has been seen yet"
    return Speed(60e9 * threads, 40e9 * threads, 2e9 * threads, 0.0, 2e-5, 0.3, 3.0, source)


@lru_cache(maxsize=256)
def _of_card(name: str) -> Speed | None:
    card = next((g for g in gpus() if g.name == name or g.name.split(", ")[0] == name), None)
    if card is None or not card.bf16_tflops:
        return None
    flops, moved = card.bf16_tflops * 1e12, card.bandwidth_gb_s * 1e9
    source = "its maker's figures, of which a share is reached; never run on a GPU here"
    return Speed(flops * 0.45, flops * 0.12, moved * 0.6, 12e9, 1e-5, 0.5, 2.0, source)
