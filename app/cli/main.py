"""Reads the arguments, runs one verb, and turns what happened into an exit code and words a person can act on."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType

from app.cli import output
from app.cli.exits import Exit, WrongUseError
from planner.problem import ProblemError

VERBS = (
    "hardware",
    "plan",
    "dry-run",
    "run",
    "queue",
    "runs",
    "prove",
    "export",
    "get-example",
    "get-model",
    "models",
    "fit",
    "explore",
    "share",
    "why",
    "watch",
    "calibration",
    "data",
)


def module_of(verb: str) -> ModuleType:
    """Where a verb is: its HELP, `add_arguments` and `run`. One is loaded when it is wanted, since all of them take
    longer than most answers."""
    return import_module(f"app.cli.{verb.replace('-', '_')}")


def parser(names: Sequence[str] = VERBS) -> argparse.ArgumentParser:
    """Of all verbs, or of those that are named."""
    top = argparse.ArgumentParser(
        prog="plimsoll",
        description="What a fine-tune needs, byte by byte, before, while and after it runs. Without a verb: the window.",
        epilog="Exit codes: 0 fits, tight or done; 1 failed; 2 wrong use; 3 does not fit; 4 cannot tell.",
        allow_abbrev=False,
    )
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in names:
        module = module_of(name)
        module.add_arguments(verbs.add_parser(name, help=module.HELP, description=module.HELP, allow_abbrev=False))
    return top


def main(arguments: list[str]) -> int:
    output.prepare()
    named = [arguments[0]] if arguments and arguments[0] in VERBS else VERBS
    given = parser(named).parse_args(arguments)
    verb: Callable[[argparse.Namespace], Exit] = module_of(given.verb).run
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
