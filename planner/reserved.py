"""What stands beside the ledger: the interpreter and its libraries, the device's context, and the allocator.

It depends on the order of events and on library builds, not on a sum, so it is a band from a table of measurements
(`assets/reserved.json`, each row with its source) and never part of a line.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NamedTuple

from planner.assets import asset
from planner.units import MIB, Num


class Band(NamedTuple):
    """One kind of device: (low, expected, high) of each part, and the sentence that says where they come from."""

    context_bytes: tuple[int, int, int]
    per_thousand: tuple[int, int, int]
    why: str

    def beside(self, live_bytes: Num) -> tuple[Num, Num, Num]:
        """Low, expected and high bytes beside `live_bytes` of tensors; with them, never less than no memory at all."""
        context, scale = self.context_bytes, self.per_thousand
        return (
            context[0] + live_bytes * scale[0] // 1000,
            context[1] + live_bytes * scale[1] // 1000,
            context[2] + live_bytes * scale[2] // 1000,
        )


NOTHING = Band((0, 0, 0), (0, 0, 0), "")


@lru_cache(maxsize=1024)
def band(kind: str, recompute: bool, compute_bits: int = 32, shapes: int = 1) -> Band:
    """The band of a kind of device (cpu, cuda, rocm, mps), or of the `host` beside one; an unknown kind is taken as cuda.

    compute_bits: of the type that blocks compute in; shapes: different token counts of the run's batches. A CPU keeps
    kernels compiled for each of them where it computes in 16 bits.
    """
    kinds = _kinds()
    row = kinds.get(kind) or kinds["cuda"]
    context = list(row["context_mib"])
    kernels = row.get("kernels")
    if kernels and compute_bits == kernels["compute_bits"]:
        # the first shape's are in the context already
        each, most = kernels["mib_per_shape"], kernels["most_mib"]
        context = [c + min((shapes - 1) * e, m) for c, e, m in zip(context, each, most, strict=True)]
    scale = row["per_thousand_checkpointing" if recompute else "per_thousand"]
    low, expected, high = (n * MIB for n in context)
    return Band((low, expected, high), (scale[0], scale[1], scale[2]), row["why"])


@lru_cache(maxsize=1)
def _kinds() -> dict[str, Any]:
    kinds: dict[str, Any] = json.loads(asset("reserved.json").read_text(encoding="utf-8"))["kinds"]
    return kinds
