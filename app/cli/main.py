"""Reads the arguments, runs one verb, and turns what happened into an exit code and words a person can act on."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from types import ModuleType

from app.cli import (
    calibration,
    dry_run,
    explore,
    export,
    fit,
    get_example,
    hardware,
    output,
    plan,
    prove,
    run,
    share,
    watch,
    why,
)
from app.cli.exits import Exit, WrongUseError
from planner.problem import ProblemError

VERBS: dict[str, ModuleType] = {
    "hardware": hardware,
    "plan": plan,
    "dry-run": dry_run,
    "run": run,
    "prove": prove,
    "export": export,
    "get-example": get_example,
    "fit": fit,
    "explore": explore,
    "share": share,
    "why": why,
    "watch": watch,
    "calibration": calibration,
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="plimsoll",
        description="What a fine-tune needs, byte by byte, before, while and after it runs. Without a verb: the window.",
        epilog="Exit codes: 0 fits, tight or done; 1 failed; 2 wrong use; 3 does not fit; 4 cannot tell.",
        allow_abbrev=False,
    )
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, module in VERBS.items():
        module.add_arguments(verbs.add_parser(name, help=module.HELP, description=module.HELP, allow_abbrev=False))
    return top


def main(arguments: list[str]) -> int:
    output.prepare()
    given = parser().parse_args(arguments)
    verb: Callable[[argparse.Namespace], Exit] = VERBS[given.verb].run
    try:
        return int(verb(given))
    except ProblemError as error:
        output.problem(error.problem, as_json=given.json)
        return int(Exit.WRONG_USE if isinstance(error, WrongUseError) else Exit.FAILED)
    except BrokenPipeError:
        output.reader_left()
        return int(Exit.FAILED)
    except output.UnwritableError as error:
        output.reader_left()
        output.remark(f"The result could not be written: {error}.")
        return int(Exit.FAILED)
    except KeyboardInterrupt:
        return int(Exit.FAILED)
