"""The exported script, run alone on the same device, gives the losses of the run to the last bit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time

from benchmarks.gpu_check import row
from benchmarks.gpu_check.cases import Case
from benchmarks.gpu_check.row import Row
from benchmarks.gpu_check.running import LONGEST_S
from benchmarks.gpu_check.setting import Setting
from planner.estimate import estimate
from planner.export.folder import SCRIPT, export
from planner.run.build import run_spec
from planner.run.start import environment


def check(setting: Setting, case: Case, plan_row: Row | None) -> Row:
    """plan_row: of the case's own run, whose losses are compared."""
    name = f"export: {case.name}"
    losses = (plan_row.figures.get("losses") if plan_row else None) or []
    if not losses:
        return row.not_run(name, "the plan's own run gave no losses")
    plan, folder = setting.plan(case), setting.work / "exports" / case.name.replace(" ", "-").replace(",", "")
    shutil.rmtree(folder, ignore_errors=True)
    export(plan, run_spec(plan, estimate(plan), folder), folder / "export")
    env = {k: v for k, v in environment(folder).items() if k != "PYTHONPATH"}
    began = time.monotonic()
    command = [sys.executable, "-P", str(folder / "export" / SCRIPT), "--output", str(folder / "made")]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    seconds = round(time.monotonic() - began, 1)
    if done.returncode:
        return row.of(name, False, f"the script ended with {done.returncode}: {done.stderr[-300:]}", seconds)
    lines = (folder / "made" / "losses.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line)["loss_hex"] for line in lines]
    equal = found == losses
    off = next(
        (i + 1 for i, (a, b) in enumerate(zip(found, losses, strict=False)) if a != b), min(len(found), len(losses))
    )
    says = f"{len(losses)} losses equal to the last bit" if equal else f"losses part at step {off}"
    return row.of(name, equal, says, seconds, run=losses, script=found)
