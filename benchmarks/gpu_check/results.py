"""The file of results: one for each device, written after every check, so that a check cut off costs only itself.

A row is kept from one call to the next while it is of the same program and did not fail.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.gpu_check.row import FAILED, OK, Row
from benchmarks.gpu_check.setting import Setting
from benchmarks.provenance import commit
from planner.atomic_file import write_atomically
from planner.run.arguments import pinned_libraries

FOLDER = Path(__file__).resolve().parent.parent / "results" / "gpu_check"
CARDS = ("cuda", "rocm", "mps")
NEVER = "never run on a GPU"


class Results:
    """Rows by name, in order. path: of the file; fresh: begin without what it holds."""

    def __init__(self, setting: Setting, path: Path, *, fresh: bool = False) -> None:
        self.setting, self.path, self.commit = setting, path, commit()
        self.rows: dict[str, Row] = {} if fresh else _read(path)

    def kept(self, name: str) -> Row | None:
        """A row of an earlier call that need not be made again."""
        found = self.rows.get(name)
        return found if found is not None and found.state == OK and found.commit == self.commit else None

    def add(self, row: Row) -> None:
        self.rows[row.name] = row
        write_atomically(self.path, (json.dumps(self.to_json(), indent=1) + "\n").encode("utf-8"))

    @property
    def failed(self) -> int:
        return sum(row.state == FAILED for row in self.rows.values())

    def to_json(self) -> dict[str, Any]:
        device, machine = self.setting.device, self.setting.machine
        return {
            "device": {"id": device.id, "kind": device.kind, "name": device.name, "total_bytes": device.total_bytes},
            "machine": {"os": machine.os, "cpu": machine.cpu, "ram_total_bytes": machine.ram_total_bytes},
            "notes": [] if device.kind in CARDS else [NEVER],
            "quick": self.setting.quick,
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "commit": self.commit,
            "python": platform.python_version(),
            "libraries": {name: _installed(name) for name in (*pinned_libraries(), "bitsandbytes")},
            "seconds": round(sum(row.seconds for row in self.rows.values()), 1),
            "rows": [row.to_json() for row in self.rows.values()],
        }


def file_for(kind: str, name: str) -> Path:
    """Of one device: its kind first, so that a card's file is known by its name."""
    plain = "".join(c if c.isalnum() else "-" for c in name.lower())
    return FOLDER / ("cpu.json" if kind == "cpu" else f"{kind}-{'-'.join(filter(None, plain.split('-')))}.json")


def ran_on_a_card(folder: Path = FOLDER) -> bool:
    """Whether a result of a card lies there in which at least one plan was run."""
    for path in folder.glob("*.json"):
        found = json.loads(path.read_text(encoding="utf-8"))
        ran = any(row["state"] == OK and row["name"].startswith("plan: ") for row in found["rows"])
        if found["device"]["kind"] in CARDS and ran:
            return True
    return False


def _read(path: Path) -> dict[str, Row]:
    if not path.is_file():
        return {}
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {row["name"]: Row(**row) for row in found["rows"]}


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
