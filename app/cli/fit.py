"""`plimsoll fit MODEL --gpu CARD`: which setups of a model fit a card, in a second, from nothing but their names.

The newcomer's question. It plans with shapes of the catalogue or of a folder; it reads no weights and starts nothing.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from app.cli import output
from app.cli.exits import Exit, WrongUseError
from app.cli.fit_setups import LENGTH, PICKS, Fits, Setup, fits
from planner import share
from planner.drafting import device_of
from planner.plan import Plan
from planner.plan_file import save_plan
from planner.problem import ProblemError
from planner.share_settings import settings_of
from planner.share_words import others, setup
from planner.slots import QUESTIONS
from planner.timing.timed import Timed
from planner.units import words

HELP = 'which setups of a model fit a card: `fit 7B --gpu "12 GB"`, `fit "llama 3.1 8b" --gpu 4090`'
MILLION = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a name as people say it, a size (7B), or a model's folder")
    parser.add_argument("--gpu", metavar="CARD", help="a card's name, or its memory (12 GB); without: this computer")
    parser.add_argument("--ram", metavar="GIB", type=float, help="RAM of the computer around the card; 64 are assumed")
    parser.add_argument("--length", metavar="TOKENS", type=int, help=f"how long rows may be; {LENGTH} without")
    parser.add_argument("--data", metavar="FILE", help="rows as JSON lines, instead of rows that are all as long")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
    parser.add_argument("--save", metavar="FILE", help="also write a setup as a plan, which the window opens")
    parser.add_argument("--pick", choices=PICKS, default=PICKS[0], help="which one to save; the best without")
    parser.add_argument("--text", action="store_true", help="also print that setup as a text to paste into the window")


def run(given: argparse.Namespace) -> Exit:
    try:
        found = fits(given)
    except WrongUseError:
        raise
    except ProblemError as error:
        output.problem(error.problem, as_json=given.json)
        return Exit.CANNOT_TELL
    chosen = next((s for s in found.setups if s.pick == given.pick), next(iter(found.setups), None))
    if given.save and chosen:
        save_plan(chosen.plan, Path(given.save))
    if given.json:
        output.line(output.json_text(as_json(found), indent=2))
    else:
        for text in in_words(found, given, chosen):
            output.line(text)
    return Exit.OK if found.setups else Exit.DOES_NOT_FIT


def in_words(found: Fits, given: argparse.Namespace, chosen: Setup | None) -> list[str]:
    device = device_of(found.plan)
    lines = [f"{found.plan.model.name} on {device.name if device else found.plan.machine.name}", *found.remarks]
    for setup_ in found.setups:
        lines += ["", *_setup_lines(setup_)]
    if not found.setups:
        lines += ["", found.sentence, *(f"- {miss}" for miss in found.misses), *found.instead]
        return lines
    lines += ["", *dict.fromkeys(f"Times: {s.takes.why}" for s in found.setups if s.takes)]
    if given.save and chosen:
        lines.append(f"Saved as {given.save}: {chosen.title.lower()}. Open it: {shlex.join(['plimsoll', given.save])}")
    else:
        again = shlex.join(["plimsoll", *_given(given), "--save", "plan.json"])
        lines.append(f"To open one: {again}, then: plimsoll plan.json  (--pick {', '.join(PICKS)})")
    if given.text and chosen:
        lines += ["", f"{chosen.title}, to paste into the window with Ctrl+V:", share.as_text(chosen.plan)]
    return lines


def _setup_lines(one: Setup) -> list[str]:
    tier = one.estimate.tiers[0]
    room = (
        f"{words(tier.peak_bytes)} ({words(tier.low_bytes)} to {words(tier.high_bytes)}) of {words(tier.budget_bytes)}"
    )
    answers = " · ".join(f"{QUESTIONS[slot].lower()}: {label}" for slot, label in others(one.plan))
    lines = [
        f"{one.title}: {setup(one.plan)}{_accumulated(one.plan)}",
        f"  {room}, {words(tier.budget_bytes - tier.peak_bytes)} to spare",
    ]
    if one.takes is not None:
        lines.append(f"  1M tokens in {_million(one.takes)}")
    return [
        *lines,
        f"  learns: {learns(one.plan)}",
        f"  {answers}",
        f"  {' '.join('--set ' + shlex.quote(s) for s in settings_of(one.plan.stage))}",
    ]


def learns(plan: Plan) -> str:
    """The class of what it can learn, in words."""
    from planner.explore.quality import quality_of, said_of

    return said_of(quality_of(plan.stage.choices)).words


def _accumulated(plan: Plan) -> str:
    times = plan.stage.schedule.grad_accumulation
    return f", {times} batches to a step" if times > 1 else ""


def _seconds(takes: Timed) -> list[float]:
    """Of a million tokens: low, expected, high."""
    return [MILLION / rate for rate in reversed(takes.tokens_per_s)]


def _million(takes: Timed) -> str:
    from planner.explore.costs import span

    low, expected, high = map(span, _seconds(takes))
    return f"{expected} ({low} to {high})"


def _given(given: argparse.Namespace) -> list[str]:
    """The arguments again, without those of the output."""
    found = ["fit", given.model]
    for name in ("gpu", "ram", "length", "data"):
        if getattr(given, name) is not None:
            value = getattr(given, name)
            found += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return found


def as_json(found: Fits) -> dict[str, Any]:
    """{model, machine, remarks, setups, sentence, misses, instead}; the names are a promise to scripts."""
    return {
        "model": found.plan.model.name,
        "machine": found.plan.machine.name,
        "remarks": list(found.remarks),
        "setups": [_setup_json(one) for one in found.setups],
        "sentence": found.sentence,
        "misses": list(found.misses),
        "instead": list(found.instead),
    }


def _setup_json(one: Setup) -> dict[str, Any]:
    tier, schedule = one.estimate.tiers[0], one.plan.stage.schedule
    return {
        "pick": one.pick,
        "title": one.title,
        "words": setup(one.plan),
        "note": one.note,
        "learns": learns(one.plan),
        "answers": {QUESTIONS[slot]: label for slot, label in others(one.plan)},
        "micro_batch": schedule.micro_batch,
        "grad_accumulation": schedule.grad_accumulation,
        "max_length": schedule.max_length,
        "verdict": one.estimate.verdict.value,
        "budget_bytes": int(tier.budget_bytes),
        "peak_bytes": int(tier.peak_bytes),
        "low_bytes": int(tier.low_bytes),
        "high_bytes": int(tier.high_bytes),
        "tokens_per_s": list(one.takes.tokens_per_s) if one.takes else None,
        "seconds_per_million_tokens": _seconds(one.takes) if one.takes else None,
        "time_from": one.takes.why if one.takes else "",
        "set": list(settings_of(one.plan.stage)),
        "text": share.as_text(one.plan),
    }
