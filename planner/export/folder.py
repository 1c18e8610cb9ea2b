"""Writes the export: a folder with the script, the exact versions, the plan and a page that says how to run it.

The folder is a person's to keep: it works without this program, holds no secret, and overwrites nothing it did not
write itself.
"""

from __future__ import annotations

from pathlib import Path

from planner import plan_file
from planner.atomic_file import write_atomically
from planner.estimate import estimate
from planner.export.readme import readme
from planner.export.requirements import requirements
from planner.export.rows import ROWS, carries_rows, write_rows
from planner.export.script import HEAD, chosen, script
from planner.export.twins import twin_text
from planner.plan import Plan
from planner.problem import fail
from planner.run.spec import RunSpec

SCRIPT, REQUIREMENTS, PLAN, README = "train.py", "requirements.txt", "plan.json", "README.md"


def export(plan: Plan, spec: RunSpec, folder: Path) -> tuple[Path, ...]:
    """Write the export of `plan` into `folder` and return its files.

    Raises ProblemError: `export.folder_in_use` when the folder holds anything but an earlier export,
    `file.not_written`, `export.part_missing`, and where rows are carried along `data.*`.
    """
    ledger = estimate(plan)
    _check(folder)
    if carries_rows(plan.data):
        write_rows(plan.data, folder / ROWS)
    texts = {
        SCRIPT: script(plan, spec, ledger),
        REQUIREMENTS: requirements(spec),
        README: readme(plan, spec, ledger),
        PLAN: plan_file.dumps(plan),
    }
    for technique in chosen(plan, ledger):
        if technique.part.mixin:
            texts[f"{technique.twin}.py"] = twin_text(technique.twin)
    for name, text in texts.items():
        write_atomically(folder / name, text.encode("utf-8"))
    carried = (ROWS,) if carries_rows(plan.data) else ()
    return tuple(folder / name for name in (*texts, *carried))


def _check(folder: Path) -> None:
    try:
        held = {p.name for p in folder.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        raise fail(
            "export.folder_in_use",
            f"{str(folder)!r} cannot be used: {error.strerror or error}.",
            "Choose a new or an empty folder.",
        ) from None
    if held and not ({SCRIPT, PLAN, README} <= held and _is_ours(folder / SCRIPT)):
        raise fail(
            "export.folder_in_use",
            f"{str(folder)!r} is not empty and holds no earlier export.",
            "Choose a new or an empty folder; nothing was written.",
        )


def _is_ours(path: Path) -> bool:
    """Whether a script of that name is one of this exporter's: a person's own train.py is not to be overwritten."""
    try:
        with path.open("rb") as file:
            return file.read(len(HEAD.encode())) == HEAD.encode()
    except OSError:
        return False
