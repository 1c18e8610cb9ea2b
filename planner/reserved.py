"""What stands beside the ledger: the interpreter and its libraries, the device's context, and the allocator.

It depends on the order of events and on library builds, not on a sum, so it is a band from a table of measurements
(`assets/reserved.json`, each row with its source) and never part of a line. Two parts that are never mixed: the
allocator keeps more from the device than live tensors have (reserved), and the process has its context besides.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NamedTuple

from planner.assets import asset
from planner.units import KIB, MIB, Num


class Band(NamedTuple):
    """One kind of device: (low, expected, high) of each part, and the sentence that says where they come from.

    context_bytes: of the process before any tensor. per_thousand: what the allocator holds beyond live tensors, for
    each thousand bytes of them.
    """

    context_bytes: tuple[int, int, int]
    per_thousand: tuple[int, int, int]
    why: str

    def allocator(self, live_bytes: Num) -> tuple[Num, Num, Num]:
        """Low, expected and high bytes that the allocator holds beside `live_bytes` of tensors."""
        low, expected, high = self.per_thousand
        return live_bytes * low // 1000, live_bytes * expected // 1000, live_bytes * high // 1000

    def beside(self, live_bytes: Num) -> tuple[Num, Num, Num]:
        """Low, expected and high bytes beside `live_bytes` of tensors; with them, never less than no memory at all."""
        context, allocator = self.context_bytes, self.allocator(live_bytes)
        return context[0] + allocator[0], context[1] + allocator[1], context[2] + allocator[2]


NOTHING = Band((0, 0, 0), (0, 0, 0), "")


@lru_cache(maxsize=1024)
def band(
    kind: str,
    recompute: bool,
    compute_bits: int = 32,
    shapes: int = 1,
    capability: float = 0.0,
    entries: int = 0,
    written: int = 0,
    rows_bytes: int = 0,
) -> Band:
    """The band of a kind of device (cpu, cuda, rocm, mps), or of the `host` beside one; an unknown kind is taken as cuda.

    compute_bits: of the type that blocks compute in; shapes: different token counts of the run's batches; written:
    lengths of an answer whose attention scores are written out. A CPU keeps kernels compiled for each of them where it
    computes in 16 bits. capability: of an NVIDIA card, 0 where unknown. entries: of the tokenizer. rows_bytes: of
    the file of rows, which the process holds as texts and as tokens.
    """
    kinds = _table()["kinds"]
    row = kinds.get(kind) or kinds["cuda"]
    low, expected, high = context_of(capability) if kind == "cuda" and capability else _bytes(row["context_mib"])
    context = [low, expected, high]
    if of_entry := row.get("tokenizer_bytes_per_entry"):
        context = [c + entries * n for c, n in zip(context, of_entry, strict=True)]
    if of_byte := row.get("rows_per_byte"):
        context = [c + rows_bytes * n for c, n in zip(context, of_byte, strict=True)]
    kernels = row.get("kernels")
    if kernels and compute_bits == kernels["compute_bits"]:
        # the first shape's are in the context already
        columns = (kernels[name] for name in ("mib_per_shape", "kib_per_written_length", "most_mib"))
        context = [
            c + min((shapes - 1) * each * MIB + written * length * KIB, most * MIB)
            for c, each, length, most in zip(context, *columns, strict=True)
        ]
    scale = row["per_thousand_checkpointing" if recompute else "per_thousand"]
    return Band((context[0], context[1], context[2]), (scale[0], scale[1], scale[2]), row["why"])


@lru_cache(maxsize=64)
def context_of(capability: float) -> tuple[int, int, int]:
    """Low, expected and high bytes of the context on an NVIDIA card of this compute capability; 0: unknown."""
    for row in _table()["contexts"]["rows"]:
        first, last = row["capability"]
        if first <= capability <= last:
            return _bytes(row["mib"])
    return _bytes(_table()["kinds"]["cuda"]["context_mib"])


@lru_cache(maxsize=2)
def rests(recompute: bool) -> tuple[int, int, int]:
    """Per thousand of what training needs of a card at once: what segments leave unused, and how far below and above
    the truth may lie."""
    row = _table()["rests"]["remade" if recompute else "kept"]
    return row["share"], row["below"], row["above"]


@lru_cache(maxsize=8)
def still_open(kind: str) -> tuple[int, int]:
    """Bytes by which a run's context may lie below and above where others of the same computer had it."""
    row = _calibrated(kind)["context_mib"]
    return row[0] * MIB, row[1] * MIB


@lru_cache(maxsize=8)
def seen_again(kind: str) -> tuple[int, int]:
    """Per thousand of a proof's figure: how far below and above it a whole run of the same plan may lie."""
    below, above = _calibrated(kind)["proof_per_thousand"]
    return below, above


def _calibrated(kind: str) -> dict[str, Any]:
    rows = _table()["calibrated"]
    found: dict[str, Any] = rows.get(kind) or rows["cuda"]
    return found


def _bytes(mib: list[int]) -> tuple[int, int, int]:
    low, expected, high = mib
    return low * MIB, expected * MIB, high * MIB


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(asset("reserved.json").read_text(encoding="utf-8"))
    return table
