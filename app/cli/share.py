"""`plimsoll share`: the verdict in two lines and the plan as a text to paste; and, with --open, such a text as a plan again.

Nothing of whose plan it is goes out (`planner.share_stripped`), and nothing that comes in is followed to a path.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli import output, plan_source
from app.cli.exits import Exit, WrongUseError, of_verdict, wrong_use
from app.cli.read_text import read_text
from planner import share
from planner.estimate import estimate
from planner.plan_file import save_plan
from planner.problem import ProblemError
from planner.share_home import at_home
from planner.share_stripped import stripped
from planner.share_words import two_lines
from planner.timing.timed import timed

HELP = "a plan as a text to paste, with its verdict in two lines; --open turns such a text into a plan"
MOST_BYTES = 4 * 1024**2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    plan_source.add_arguments(parser)
    parser.add_argument("--open", metavar="FILE", help="read a shared plan from a message; - for standard input")
    parser.add_argument("--save", metavar="FILE", help="write the plan that was read to FILE, which the window opens")
    parser.add_argument("--json", action="store_true", help="one JSON object: {lines, text}")


def run(given: argparse.Namespace) -> Exit:
    remarks: tuple[str, ...] = ()
    if given.open is None:
        if given.save:
            raise wrong_use("share.nothing_opened", "--save is for a plan that --open reads.", "Name it: --open FILE.")
        plan = plan_source.plan_from(given)
    elif given.plan or given.preset or given.changes:
        raise wrong_use("cli.two_plans", "A plan and a shared text were given.", "Give one of them.")
    else:
        try:
            found = share.read(read_text(given.open, MOST_BYTES, "share", "Give the shared plan alone."))
        except ProblemError as error:
            raise WrongUseError(error.problem) from None
        plan, remarks = at_home(found.plan), found.remarks
        if given.save:
            save_plan(plan, Path(given.save))
    bare = stripped(plan)
    now = estimate(bare)
    lines = two_lines(now, timed(bare) if now.tiers else None)
    text = share.as_text(plan)
    if given.json:
        output.line(output.json_text({"lines": list(lines), "text": text}, indent=2))
    else:
        for line in (*lines, *remarks, "", text) if given.open is None else (*lines, *remarks):
            output.line(line)
    return of_verdict(now.verdict)
