"""What stands beside the ledger: the interpreter and its libraries, the device's context, and the allocator.

It depends on the order of events and on library builds, not on a sum, so it is a band from a table of measurements
(`assets/reserved.json`, each row with its source) and never part of a line.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from planner.assets import asset
from planner.units import MIB, Num


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    """The measurements, by kind of device."""
    parsed: dict[str, Any] = json.loads(asset("reserved.json").read_text(encoding="utf-8"))
    return parsed


def band(kind: str, recompute: bool, live_bytes: Num) -> tuple[Num, Num, Num]:
    """(low, expected, high) bytes beside `live_bytes` of tensors on a device of this kind."""
    row = table().get(kind) or table()["cpu"]
    scale = row["scale_recompute_per_thousand" if recompute else "scale_per_thousand"]
    low, expected, high = (c * MIB + live_bytes * s // 1000 for c, s in zip(row["context_mib"], scale, strict=True))
    return low, expected, high


def why(kind: str) -> str:
    """The sentence that says where the band comes from."""
    row = table().get(kind) or table()["cpu"]
    return str(row["source"])
