"""Every window test has a home of its own, the offscreen platform, and plans made by hand without any probe."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

from planner.assets import asset
from planner.facts.machine import Device, Holder, MachineFacts
from planner.facts.model import catalogue
from planner.facts.read_data import read_data
from planner.plan import Plan
from planner.presets import default_plan
from planner.run.home import HOME_VARIABLE
from planner.units import GIB

EMBEDDED_SHAPE = "HuggingFaceTB/SmolLM2-135M"


def machine_with(free_gib: float, total_gib: float = 16.0, kind: str = "cpu") -> MachineFacts:
    """A computer whose CPU or card has this much, with two named holders of the rest."""
    total, free = round(total_gib * GIB), round(free_gib * GIB)
    others = (Holder("browser", (total - free) // 2), Holder("desktop", (total - free) // 4))
    cpu = Device("cpu", "cpu", "A processor", total, free, others)
    devices = (cpu,) if kind == "cpu" else (Device("cuda:0", kind, "A card", total, free, others), cpu)
    return MachineFacts("this computer", "Linux", "A processor", 4, total, free, 0, 100 * GIB, devices, others)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing a test does reaches a person's own files."""
    home = tmp_path / "home"
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    return home


@pytest.fixture(autouse=True)
def nothing_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this computer has free changes while tests run beside each other; a plan that a test compares stays as it is."""
    monkeypatch.setattr("app.shell.refreshing.Refreshing.wanted", False)


@pytest.fixture
def make_plan() -> Callable[..., Plan]:
    """A plan of the embedded model's shape on the sample data; by default there is room for it."""

    def make(free_gib: float = 12.0, total_gib: float = 16.0, kind: str = "cpu") -> Plan:
        model = catalogue.find(EMBEDDED_SHAPE)
        data = read_data(asset("sample", "questions.jsonl"), model, name="Sample questions")
        return default_plan(model, data, machine_with(free_gib, total_gib, kind), name="A plan")

    return make
