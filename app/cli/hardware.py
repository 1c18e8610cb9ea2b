"""`plimsoll hardware`: what this computer has, and what is free now."""

from __future__ import annotations

import argparse
from typing import Any

from app.cli import output
from app.cli.exits import Exit
from planner import strict_json
from planner.facts.machine import Device, MachineFacts
from planner.probe import machine
from planner.units import words

HELP = "what this computer has, and what is free now"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")


def run(given: argparse.Namespace) -> Exit:
    facts = machine()
    if given.json:
        output.line(output.json_text(to_json(facts), indent=2))
    else:
        for text in in_words(facts):
            output.line(text)
    return Exit.OK


def to_json(facts: MachineFacts) -> dict[str, Any]:
    plain: dict[str, Any] = strict_json.plain(facts)
    return plain | {"host_total_bytes": facts.host_total_bytes, "host_free_bytes": facts.host_free_bytes}


def in_words(facts: MachineFacts) -> list[str]:
    rows = [("", "total", "free", "")]
    rows += [(d.name, words(d.total_bytes), words(d.free_bytes), _held(d)) for d in facts.devices if d.kind != "cpu"]
    rows.append(("RAM", words(facts.host_total_bytes), words(facts.host_free_bytes), _limit(facts)))
    if facts.swap_total_bytes:
        rows.append(("Swap", words(facts.swap_total_bytes), words(facts.swap_free_bytes), "no room to plan with"))
    rows.append(("Disk", "", words(facts.disk_free_bytes), ""))
    return [
        f"{facts.name} · {facts.os} · {facts.cpu}, {facts.physical_cores} cores",
        "",
        *output.table(rows, right=frozenset({1, 2})),
        *(f"Note: {note}" for note in facts.notes),
    ]


def _held(device: Device) -> str:
    return ", ".join(f"{h.name} holds {words(h.bytes)}" for h in device.others)


def _limit(facts: MachineFacts) -> str:
    return f"limited; the computer has {words(facts.ram_total_bytes)}" if facts.limit_bytes else ""
