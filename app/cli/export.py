"""`plimsoll export`: a plan, or a run that was made, as a folder with a script that needs this program no more."""

from __future__ import annotations

import argparse

from app.cli import output, plan_source
from app.cli.exits import Exit, given_dir, wrong_use
from planner.estimate import estimate
from planner.export.folder import export
from planner.run.build import run_spec

HELP = "write a plan or a run as a script of public libraries"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    plan_source.add_arguments(parser)
    parser.add_argument("--run", metavar="DIR", help="export what this run did, instead of a plan")
    parser.add_argument("--out", metavar="DIR", required=True, help="a new folder for the script")
    parser.add_argument("--json", action="store_true", help="name the files as one JSON object")


def run(given: argparse.Namespace) -> Exit:
    out = given_dir(given.out, "--out")
    if given.run is not None and (given.plan or given.preset or given.changes):
        raise wrong_use(
            "cli.two_plans", "A run and a plan were given.", "A run is exported as it was: give --run alone."
        )
    if given.run is not None:
        spec = plan_source.spec_of(given_dir(given.run, "--run"))
    else:
        plan = plan_source.plan_from(given)
        spec = run_spec(plan, estimate(plan), run_dir="", elsewhere=True)
    files = export(spec.plan, spec, out)
    if given.json:
        output.line(output.json_text({"folder": given.out, "files": [p.name for p in files]}))
    else:
        output.line(f"Written to {given.out}: {', '.join(p.name for p in files)}.")
    return Exit.OK
