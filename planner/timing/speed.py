"""How fast a device computes, moves bytes and starts operations: from the table of cards, or from this computer's own runs.

Pure: nothing is measured here. What part of a maker's figures is reached stands in `assets/timing.json` with its source;
what is not known of a device makes the band wide and is said in `source`. Cards: never run on one here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from planner.assets import asset
from planner.calibration.correction import PER, POWER, SPEED, Correction
from planner.calibration.fingerprint import device_name
from planner.drafting import device_of
from planner.facts.gpus import Gpu, gpus
from planner.plan import Plan
from planner.timing.effort import Effort

WIDE_ATTENTION = 0.5  # of what float32's products reach, by attention in float32; not measured


class Speed(NamedTuple):
    """flops_16, flops_32: of products in 16 and in 32 bits, a second; pair_flops_16, pair_flops_32: of attention's.
    bytes_s: written by operations between products; read_bytes_s: of weights read and updated. host_bytes_s: to and from the
    computer's memory, 0 where the device is the computer. operation_s: to start one operation. starts_beside: the
    computer starts them while the device works on earlier ones.

    low, high: between how much of the expected seconds and how much of them it may take; low_32, high_32: where most of
    its products are computed in 32 bits. source: where all this is from, a sentence. watts: seen in this device's own runs.
    """

    flops_16: float
    flops_32: float
    pair_flops_16: float
    pair_flops_32: float
    bytes_s: float
    read_bytes_s: float
    host_bytes_s: float
    operation_s: float
    starts_beside: bool
    low: float
    high: float
    low_32: float
    high_32: float
    source: str
    watts: float | None = None

    def band(self, effort: Effort) -> tuple[float, float]:
        """(low, high) of what such a step takes."""
        wide = effort.flops_32 / self.flops_32 > effort.flops_16 / self.flops_16
        return (self.low_32, self.high_32) if wide else (self.low, self.high)


def speed_of(plan: Plan) -> Speed | None:
    """Of the device that the plan computes on; None for one of which nothing is known."""
    device, machine = device_of(plan), plan.machine
    if device is None:
        return None
    if device.kind == "cpu":
        found: Speed | None = of_cores(plan.stage.schedule.threads or machine.physical_cores)
    else:
        found = of_card(device.name)
    if found is None or not machine.corrections:
        return found
    return _taught(found, machine.corrections, device_name(device))


@lru_cache(maxsize=256)
def _taught(speed: Speed, corrections: tuple[Correction, ...], device: str) -> Speed:
    """With what this device's own runs have shown: how much longer they took than is said, and their power.

    Other ways to train lie around that as `assets/timing.json` says that they do, and no closer than the runs themselves.
    """
    of_device = {c.term: c for c in corrections if c.device == device}
    if (power := of_device.get(POWER)) is not None:
        speed = speed._replace(watts=power.amount / 1000)
    taught = of_device.get(SPEED)
    if taught is None or taught.amount <= 0:
        return speed
    times, runs = taught.amount / PER, len(taught.runs)
    known = table()["taught"]["card" if speed.starts_beside else "cpu"]
    return speed._replace(
        flops_16=speed.flops_16 / times,
        flops_32=speed.flops_32 / times,
        pair_flops_16=speed.pair_flops_16 / times,
        pair_flops_32=speed.pair_flops_32 / times,
        bytes_s=speed.bytes_s / times,
        read_bytes_s=speed.read_bytes_s / times,
        host_bytes_s=speed.host_bytes_s / times,
        operation_s=speed.operation_s * times,
        low=min(known["low"], taught.low / taught.amount),
        high=max(known["high"], taught.high / taught.amount),
        low_32=min(known["low_32"], taught.low / taught.amount),
        high_32=max(known["high_32"], taught.high / taught.amount),
        source=f"measured by {runs} run{'s' if runs > 1 else ''} of this computer; {known['source']}",
    )


@lru_cache(maxsize=64)
def of_cores(threads: int) -> Speed:
    """A processor of which no run has been seen, computing with so many threads."""
    return of_figures(table()["cpu"], threads)


def of_figures(t: Mapping[str, Any], threads: int) -> Speed:
    """So many threads of a processor, by figures for one as `assets/timing.json` has them."""
    times = 1 + max(0, threads - 1) * t["more_threads"]
    return Speed(
        flops_16=t["flops_16"] * times,
        flops_32=t["flops_32"] * times,
        pair_flops_16=t["pair_flops_16"] * times,
        pair_flops_32=t["pair_flops_32"] * times,
        bytes_s=t["bytes_s"] * times,
        read_bytes_s=t["read_bytes_s"] * times,
        host_bytes_s=0.0,
        operation_s=t["operation_s"],
        starts_beside=False,
        low=t["low"],
        high=t["high"],
        low_32=t["low_32"],
        high_32=t["high_32"],
        source=t["source"],
    )


@lru_cache(maxsize=256)
def of_card(name: str) -> Speed | None:
    """A card of the table by the name that its driver or the table gives it."""
    card = next((g for g in gpus() if name in (g.name, g.name.split(", ")[0])), None)
    known = card is not None and card.bf16_tflops and card.fp32_tflops and card.bandwidth_gb_s
    return of_shares(card, table()["card"]) if known and card is not None else None


def of_shares(card: Gpu, t: Mapping[str, Any]) -> Speed:
    """What is reached of a maker's figures, by shares as `assets/timing.json` has them.

    float32 is computed in full precision, as torch does by default (`torch.backends.cuda.matmul.allow_tf32` is False), with
    bfloat16's share of its own figure. Cards before tensor cores multiply 16-bit numbers as fast as 32-bit ones, since
    torch adds up in float32, whatever their figure for fp16 alone.
    """
    wide, moved = card.fp32_tflops * 1e12, card.bandwidth_gb_s * 1e9
    flops = max(card.bf16_tflops * 1e12, wide)
    return Speed(
        flops_16=flops * t["flops_16"],
        flops_32=wide * t["flops_16"],
        pair_flops_16=flops * t["pair_flops_16"],
        pair_flops_32=wide * t["flops_16"] * WIDE_ATTENTION,
        bytes_s=moved * t["bytes"],
        read_bytes_s=moved * t["read_bytes"],
        host_bytes_s=card.host_link_gb_s * 1e9 * t["host"],
        operation_s=t["operation_s"],
        starts_beside=True,
        low=t["low"],
        high=t["high"],
        low_32=t["low_32"],
        high_32=t["high_32"],
        source=t["source"],
    )


@cache
def table() -> dict[str, Any]:
    """`assets/timing.json`."""
    found: dict[str, Any] = json.loads(asset("timing.json").read_text(encoding="utf-8"))
    return found
