"""`plimsoll calibration`: what this computer's own runs have taught its plans, from which runs, and how far they agree.

It lists, forgets and brings back; it computes no estimate.
"""

from __future__ import annotations

import argparse
from typing import Any

from app import calibrating
from app.cli import output
from app.cli.exits import Exit, WrongUseError, wrong_use
from planner.calibration.correction import Correction
from planner.calibration.observation import Observation
from planner.calibration.said import amount_in_words, name_of
from planner.problem import ProblemError
from planner.units import words

HELP = "what this computer's runs have taught its plans"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
    parser.add_argument(
        "--forget", metavar="NAME", help="take a run or a correction away; it does not come back by itself"
    )
    parser.add_argument("--restore", metavar="NAME", help="let what was taken away be learned again")


def run(given: argparse.Namespace) -> Exit:
    if given.forget is not None:
        _forget(given.forget)
    if given.restore is not None:
        _restore(given.restore)
    corrections, seen = calibrating.corrections(), calibrating.observations()
    forgotten = calibrating.forgotten()
    if given.json:
        output.line(output.json_text(to_json(corrections, seen, forgotten), indent=2))
    else:
        for text in in_words(corrections, seen, forgotten):
            output.line(text)
    return Exit.OK


def _forget(name: str) -> None:
    try:
        calibrating.forget(name)
    except ProblemError as error:
        raise WrongUseError(error.problem) if error.problem.code == "calibration.unknown" else error from None


def _restore(name: str) -> None:
    if name not in calibrating.forgotten():
        fact = f"Nothing by the name {name!r} was forgotten."
        raise wrong_use("calibration.unknown", fact, "`plimsoll calibration` lists what was.")
    calibrating.restore(name)


def to_json(
    corrections: tuple[Correction, ...], seen: tuple[tuple[Observation, str], ...], forgotten: tuple[str, ...]
) -> dict[str, Any]:
    """{corrections, observations, forgotten}; amounts are bytes, of allocator and activations for each 10,000;
    of speed seconds for each 10,000 that are said, of power milliwatts."""
    return {
        "corrections": [
            {
                "name": name_of(c),
                "term": c.term,
                "device": c.device,
                "plan": c.plan,
                "amount": c.amount,
                "low": c.low,
                "high": c.high,
                "runs": list(c.runs),
            }
            for c in corrections
        ],
        "observations": [
            {
                "name": x.name,
                "kind": x.kind,
                "what": x.what,
                "device": x.device,
                "said_bytes": x.said_bytes,
                "took_bytes": x.took_bytes,
                "said_s": x.said_s,
                "took_s": x.took_s,
                "watts": x.watts,
                "counts": not why,
                "why": why,
            }
            for x, why in seen
        ],
        "forgotten": list(forgotten),
    }


def in_words(
    corrections: tuple[Correction, ...], seen: tuple[tuple[Observation, str], ...], forgotten: tuple[str, ...]
) -> list[str]:
    if not seen and not forgotten:
        return ["Nothing yet. A run that comes to its end teaches, and so does `plimsoll prove`."]
    out: list[str] = []
    if corrections:
        rows = [("correction", "amount", "from")]
        rows += [(name_of(c), amount_in_words(c), ", ".join(c.runs)) for c in corrections]
        out += [*output.table(rows), ""]
    if seen:
        lines: list[tuple[str, ...]] = [("run", "said", "took", "what", "")]
        lines += [(x.name, words(x.said_bytes), words(x.took_bytes), x.what, why) for x, why in seen]
        out += output.table(lines, right=frozenset({1, 2}))
    if forgotten:
        out += ["", f"Forgotten: {', '.join(forgotten)}."]
    return out
