"""Dry runs of published rows as files: one for each row, with what it was made of, and none is made twice.

Here the prediction meets the label; what traces (`traced`, `loop`, `model_of`, `config_of`) is given the row alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.provenance import ROOT, commit
from benchmarks.truth.answer import Answer, Predicted, Refused
from benchmarks.truth.row import Row
from benchmarks.truth.rows import Published

FOLDER = ROOT / "benchmarks" / "results" / "dry_run"
COMPARISON = "huggingface/peft method_comparison/"
LIBRARIES = ("torch", "transformers", "peft")


def traceable(rows: Iterable[Published], only: str = "") -> list[Published]:
    """The comparison's rows that are judged; only: those whose id contains this."""
    return [
        x for x in rows if x.label.scored and x.label.source.startswith(COMPARISON) and only.casefold() in x.label.id
    ]


def run(
    rows: Iterable[Published],
    dry_run: Callable[[Row], Any],
    closed_form: Callable[[Row], Answer],
    folder: Path = FOLDER,
) -> Iterator[dict[str, Any]]:
    """Every row's cell, in order. A cell of the same row is read and not made again; rows that are alike share a trace."""
    folder.mkdir(parents=True, exist_ok=True)
    known: dict[Row, dict[str, Any]] = {}
    for one in rows:
        file = folder / f"{one.label.id}.json"
        of_row = sha256(repr(one.row).encode()).hexdigest()[:16]
        found = _read(file)
        if found is None or found["row"] != of_row:
            traced = known.get(one.row) or _traced(one.row, dry_run)
            found = {"id": one.label.id, "row": of_row, **traced, **_beside(one, closed_form)}
            file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        known[one.row] = {k: v for k, v in found.items() if k in TRACED}
        yield found


TRACED = ("commit", "versions", "seconds", "untraceable", "allocated", "reserved", "trained", "events")


def _traced(row: Row, dry_run: Callable[[Row], Any]) -> dict[str, Any]:
    began = time.perf_counter()
    came = dry_run(row)
    figures = {"untraceable": came.why} if isinstance(came, Refused) else {"untraceable": "", **came._asdict()}
    return {
        "commit": commit(),
        "versions": {name: version(name) for name in LIBRARIES},
        "seconds": round(time.perf_counter() - began, 1),
        **figures,
    }


def _beside(one: Published, closed_form: Callable[[Row], Answer]) -> dict[str, Any]:
    """What was measured, and what the formulas say."""
    answer = closed_form(one.row)
    return {
        "published": one.measured.peak_bytes,
        "trained_published": one.row.trainable_params,
        "formulas": answer.expected if isinstance(answer, Predicted) else None,
    }


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "row" in found else None


def kept(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """The cells that there are, by id."""
    return [found for file in sorted(folder.glob("*.json")) if (found := _read(file)) is not None]
