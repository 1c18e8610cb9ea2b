"""`plimsoll get-example`: fetches the embedded model once. The only verb that may use the network."""

from __future__ import annotations

import argparse

from app.cli import output
from app.cli.exits import Exit
from planner.problem import ProblemError
from planner.run.home import example_model_dir
from planner.run.start import missing_train_extra

HELP = "fetch the embedded model (once; says the size first)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="say where it lies as one JSON object")


def run(given: argparse.Namespace) -> Exit:
    from app.example import get_example, is_whole, sizes

    if not is_whole(example_model_dir()):
        if problem := missing_train_extra():  # before the download: what cannot be converted is not fetched
            raise ProblemError(problem)
        output.remark(sizes())
    folder = get_example(Progress())
    output.line(output.json_text({"model": str(folder)}) if given.json else str(folder))
    return Exit.OK


class Progress:
    """Says on stderr what is going on, and each further tenth of it; a line each, so that a log stays readable."""

    def __init__(self) -> None:
        self._said = ""

    def __call__(self, what: str, done: int, of: int) -> None:
        text = f"{what}: {done * 10 // of * 10} %" if of > 1 else what
        if text != self._said:
            self._said = text
            output.remark(text)
