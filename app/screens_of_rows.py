"""Pictures of the data drawer, for `app.screens`: a table to be mapped, faults, lengths with the cut-off, the first batch.

The table is made of the sample's own questions and answers, under the column names of somebody's help desk.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.pages.plan.data.drawer import BATCH, FINDINGS, LENGTHS
from app.pages.plan.picks import Pick
from planner.assets import asset
from planner.run.home import home

SHOTS = ("data-rows", "data-findings", "data-lengths", "data-first-batch")
Wait = Callable[[Callable[[], bool]], None]


def table(*, with_faults: bool) -> Path:
    """Ticket, question and reply of each sample row; some replies empty where faults are wanted."""
    path = home() / "help desk.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = asset("sample", "questions.jsonl").read_text(encoding="utf-8").splitlines()
    with path.open("w", newline="", encoding="utf-8") as f:
        out = csv.writer(f)
        out.writerow(["ticket", "subject", "reply"])
        for number, line in enumerate(lines, start=1):
            said = {m["role"]: m["content"] for m in json.loads(line)["messages"]}
            empty = with_faults and number % 60 == 17
            out.writerow([f"T-{1000 + number}", said["user"], "" if empty else said["assistant"]])
        if not with_faults:
            out.writerow(["T-9001", "What is Plimsoll?", "A desktop program."])
    return path


def arrange(shot: str, window: Any, wait: Wait) -> None:
    """The Plan page with its drawer as one picture of it has it."""
    page = window.plan_page
    looking, document = page.looking, window.document
    page.take_data(Pick("file", str(table(with_faults=shot == "data-findings"))))
    wait(page.drawer.isVisible)
    looking.choose_form("prompt_completion")
    looking.choose_column("prompt", "subject")
    if shot == "data-rows":  # one click is still to be made
        wait(lambda: bool(looking.preview and looking.preview.mapping.form))
        return
    looking.choose_column("completion", "reply")
    if shot == "data-findings":
        wait(lambda: bool(looking.faults))
        page.drawer.see(FINDINGS)
        looking.check_all()
        wait(lambda: looking.checks is not None)
        return
    wait(lambda: document.plan.data.path == looking.source.path and document.plan.data.lengths_from == "counted")
    schedule = replace(document.plan.stage.schedule, completion_only=True, max_length=128)
    document.change(document.plan.with_schedule(schedule))
    if shot == "data-lengths":
        page.drawer.see(LENGTHS)
        wait(lambda: "instead of" in page.drawer.lengths.said.text())
        return
    page.drawer.see(BATCH)
    page.batching.ask()
    wait(lambda: page.batching.found is not None)
