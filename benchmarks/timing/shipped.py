"""Writes what the measurements came to into the product's own table, `assets/timing.json`, each figure with its source.

`python -m benchmarks.timing --ship` does it after the table of errors; nothing is written into it by hand but what no
measurement here can tell (`ASSUMED`).
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.provenance import ROOT

FILE = ROOT / "assets" / "timing.json"
ASSUMED = {
    "more_threads": 0.85,
    "more_threads_source": "assumed: what each thread beyond the first adds; the computer that was measured on was shared",
    "unseen_low": 0.3,
    "unseen_high": 4.0,
    "host": 0.8,
    "flops_32": {"6.1": 1.0, "7.5": 0.25, "8.0": 0.0625, "8.6": 0.25, "8.9": 0.25, "9.0": 0.068, "10.0": 0.035,
                 "12.0": 0.25, "": 0.1},
    "flops_32_source": "float32 outside tensor cores beside bfloat16 on them, by compute capability: makers' tables, from "
    "memory, unconfirmed",
}  # fmt: skip


def ship(found: dict[str, Any]) -> None:
    """found: the whole table of results."""
    FILE.write_text(json.dumps(table_of(found), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def table_of(found: dict[str, Any]) -> dict[str, Any]:
    """What the product reads."""
    cpu, cards = found["cpu"], found["published"]
    taught, others, between = cpu["taught_by_one"], cards["other_sources"], cards["taught_between"]
    low, high = cpu["taught_between"]
    return {
        "cpu": {
            **cpu["figures"],
            "more_threads": ASSUMED["more_threads"],
            "more_threads_source": ASSUMED["more_threads_source"],
            "low": ASSUMED["unseen_low"],
            "high": ASSUMED["unseen_high"],
            "source": f"figures of one core of the processor that they were measured on, {cpu['processor']}; no run of this computer has been "
            f"seen, so it may take {ASSUMED['unseen_low']:g} to {ASSUMED['unseen_high']:g} times as long",
        },
        "card": {
            **cards["figures"],
            "host": ASSUMED["host"],
            "flops_32": ASSUMED["flops_32"],
            "flops_32_source": ASSUMED["flops_32_source"],
            "low": cards["between"][0],
            "high": cards["between"][1],
            "source": f"its maker's figures and the share of them that {others['runs']} published training steps on "
            f"{cards['cards']} cards reached; half of those, predicted from other projects' figures alone, were off by less "
            f"than {others['median_abs_pct']:.0f} %, the worst by {others['worst_abs_pct']:.0f} %; never run on a card here",
        },
        "taught": {
            "cpu": {
                "low": low,
                "high": high,
                "source": f"{taught['runs']} other ways to train, on the one processor that this was tried on, lay within "
                f"{taught['worst_abs_pct']:.0f} % of what one run had taught, half of them within {taught['median_abs_pct']:.0f} %",
            },
            "card": {
                "low": between[0],
                "high": between[1],
                "source": "nine of ten published steps took "
                f"{between[0]:g} to {between[1]:g} times as long as another one on the same card had taught",
            },
        },
    }
