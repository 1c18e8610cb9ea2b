"""Writes what the measurements came to into the product's own table, `assets/timing.json`, each figure with its source.

`python -m benchmarks.timing --ship` does it after the table of errors; nothing is written into it by hand but what no
measurement here can tell (`ASSUMED`).
"""

from __future__ import annotations

import json
import math
from typing import Any

from benchmarks.provenance import ROOT

FILE = ROOT / "assets" / "timing.json"
ASSUMED = {
    "more_threads": 0.85,
    "more_threads_source": "assumed: what each thread beyond the first adds; the computer that was measured on was shared",
    "unseen_low": 0.3,
    "unseen_high": 4.0,
    "without_amx": 75.0,
    "without_amx_source": "one core of the processor that was measured on, torch 2.13, instructions left out by ONEDNN_MAX_CPU_ISA: a "
    "bfloat16 layer computes 1.2 to 1.3 TFLOP/s with AMX, 38 to 39 GFLOP/s with AVX-512 alone and 17 to 19 with AVX2; whole "
    "steps took 2.6 to 3.5 times as long with AVX-512 and 22 times with AVX2 (a batch of 64 tokens), in float32 with AVX2 1.2 "
    "times. A step can be slower by no more than its products are",
    "host": 0.8,
    "card_low_32": 0.5,
    "card_high_32": 3.0,
    "band_32_source": "assumed: no published step that is held against the model multiplies in float32",
}


def ship(found: dict[str, Any]) -> None:
    """found: the whole table of results."""
    FILE.write_text(json.dumps(table_of(found), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def table_of(found: dict[str, Any]) -> dict[str, Any]:
    """What the product reads."""
    cpu, cards = found["cpu"], found["published"]
    taught, others, between = cpu["taught_by_one"], cards["other_sources"], cards["taught_between"]
    taught_cards = cards["taught_by_one"]
    low, high = cpu["taught_between"]
    return {
        "cpu": {
            **cpu["figures"],
            "more_threads": ASSUMED["more_threads"],
            "more_threads_source": ASSUMED["more_threads_source"],
            "without_amx_source": ASSUMED["without_amx_source"],
            "low": ASSUMED["unseen_low"],
            "high": ASSUMED["without_amx"],
            "low_32": ASSUMED["unseen_low"],
            "high_32": ASSUMED["unseen_high"],
            "source": f"figures of one core of the processor that they were measured on, {cpu['processor']}, which has AMX; no run of "
            f"this computer has been seen, so by assumption it may take {ASSUMED['unseen_low']:g} to {ASSUMED['unseen_high']:g} times "
            f"as long, and in bfloat16 up to {ASSUMED['without_amx']:g} times where its processor has no AMX: there float32 may be "
            "the faster one",
        },
        "card": {
            **cards["figures"],
            "host": ASSUMED["host"],
            "low": cards["between"][0],
            "high": cards["between"][1],
            "low_32": ASSUMED["card_low_32"],
            "high_32": ASSUMED["card_high_32"],
            "band_32_source": ASSUMED["band_32_source"],
            "source": f"its maker's figures and shares of them, fitted to {others['runs']} published training steps on "
            f"{cards['cards']} cards from starting values and under caps that were set by hand; half of those steps, predicted "
            f"from other projects' figures alone, were off by less than {_above(others['median_abs_pct'])} %, the worst by "
            f"less than {_above(others['worst_abs_pct'])} %; float32 on cards was not held against any published step, so by "
            f"assumption it may take {ASSUMED['card_low_32']:g} to {ASSUMED['card_high_32']:g} times as long; never run on a card here",
        },
        "taught": {
            "cpu": {
                "low": low,
                "high": high,
                "low_32": low,
                "high_32": high,
                "source": f"{taught['runs']} other ways to train, on the one processor that this was tried on, lay within "
                f"{_above(taught['worst_abs_pct'])} % of what one run had taught, half of them within "
                f"{_above(taught['median_abs_pct'])} %; on a processor without AMX a run in bfloat16 tells little of float32, and "
                "the other way round",
            },
            "card": {
                "low": between[0],
                "high": between[1],
                "low_32": ASSUMED["card_low_32"],
                "high_32": ASSUMED["card_high_32"],
                "source": f"of {taught_cards['runs']} pairs of published steps on the same card, in nine of ten the one took "
                f"{between[0]:g} to {between[1]:g} times as long as the other had taught; float32 was not among them",
            },
        },
    }


def _above(percent: float) -> int:
    """The next whole percent that it is less than."""
    return math.floor(percent) + 1
