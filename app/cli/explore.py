"""`plimsoll explore`: every combination of techniques, batch, length and rank around a plan, and the best of them.

What is listed gives up nothing that the plan has (`planner.explore.worth`): as many rows in a step, cut where the plan
cuts them, no lower rank. It starts nothing and changes nothing. The fields of `--json` are a promise to scripts; they
stand in `FIELDS`, which `--help` prints.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.cli import meant, output, plan_source
from app.cli.exits import Exit, WrongUseError, wrong_use
from planner.plan import Plan
from planner.problem import Problem, ProblemError
from planner.share_settings import settings_of
from planner.share_words import others, setup
from planner.units import GIB, words

if TYPE_CHECKING:
    from planner.explore.costs import Cost
    from planner.explore.explored import Explored, Ints
    from planner.explore.questions import Answer

HELP = "every combination of techniques around a plan: what fits, what nothing else beats, and the best"
BY = ("time", "memory", "trainable", "size", "quality")
TOP = 10
VERDICTS = ("fits", "tight", "does_not_fit")
FIELDS = """JSON: {combinations, structures, valid, invalid, fit, tight, comparable, invalid_because: [{code, fact, advice,
plans, example}], place, budget_bytes, by, answer, best, frontier: [row], top: [row], misses: [text], elapsed_s}.
A row: {answers: {question: answer}, rank, micro_batch, grad_accumulation, max_length, verdict, low_bytes, peak_bytes,
high_bytes, seconds_per_epoch, tokens_per_s, trainable, saved_bytes, quality, learns, set: [what=value], of the plan}. frontier: by
memory, plans that fit and that no other beats in memory and in the cost; top: the best of each combination; best: the
answer's row. Numbers that are not known are null. comparable: plans that give up nothing of the plan explored around."""


@dataclass(frozen=True)
class Found:
    """rows: numbers in `explored`; best: the row of the answer, −1 without one. against: the frontier's other
    axis, which is the cost but where that is memory."""

    explored: Explored
    answer: Answer
    cost: Cost
    against: Cost
    budget_bytes: int | None
    verdicts: Ints
    comparable: int
    frontier: tuple[int, ...]
    top: tuple[int, ...]
    best: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    plan_source.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--gpu", metavar="CARD", help="on a card of the catalogue: its name, or its memory (12 GB)")
    parser.add_argument("--budget", metavar="GIB", type=float, help="what if the device had so much for the run")
    parser.add_argument("--by", choices=BY, default=BY[0], help="what is weighed against memory; time without")
    parser.add_argument("--top", metavar="N", type=int, default=TOP, help=f"how many to list; {TOP} without")
    parser.epilog = FIELDS


def run(given: argparse.Namespace) -> Exit:
    budget = _budget(given)
    plan, remark = _plan(given)
    try:
        found = found_around(plan, given.by, budget, given.top)
    except ProblemError as error:
        output.problem(error.problem, as_json=given.json)
        return Exit.CANNOT_TELL
    if given.json:
        output.line(output.json_text(as_json(found, given.by), indent=2))
    else:
        for text in filter(None, [remark]):
            output.line(text)
        for text in in_words(found):
            output.line(text)
    return Exit.OK if found.answer.plan is not None else Exit.DOES_NOT_FIT


def _budget(given: argparse.Namespace) -> int | None:
    if given.top < 0:
        raise wrong_use("explore.top", f"--top is {given.top}.", "Give how many plans to list, 10 for example.")
    if given.budget is None:
        return None
    if not 0 < given.budget <= 1_000_000:
        raise wrong_use("explore.budget", f"--budget is {given.budget:g}.", "Give GiB, 16 for example.")
    return round(float(given.budget) * GIB)


def _plan(given: argparse.Namespace) -> tuple[Plan, str]:
    plan = plan_source.plan_from(given)
    if given.gpu is None:
        return plan, ""
    from planner.explore.cards import on_card

    try:
        card = meant.card_meant(given.gpu)
    except ProblemError as error:
        raise WrongUseError(error.problem) from None
    return on_card(card.found, plan), card.remark


def found_around(plan: Plan, by: str, budget_bytes: int | None, most: int) -> Found:
    """Raises ProblemError where nothing can be told: of the model, of the machine, or because no plan is valid."""
    import numpy as np

    from planner.explore.explored import FITS
    from planner.explore.frontier import frontier
    from planner.explore.questions import Question, ask
    from planner.explore.search import explore
    from planner.explore.trying import least_cost_first, one_of_each_structure
    from planner.explore.worth import worthy

    explored, cost = explore(plan), _cost(by)
    answer = ask(Question.BEST, explored, cost=cost, budget_bytes=budget_bytes)
    if isinstance(answer, Problem):
        raise ProblemError(answer)
    verdicts = explored.verdicts(budget_bytes)
    comparable = worthy(explored)
    fits = comparable & (verdicts == FITS)
    rows = least_cost_first(explored, np.flatnonzero(fits), cost)
    top = _told_apart(explored, one_of_each_structure(explored, rows), most)
    against = _cost(BY[0]) if by == "memory" else cost
    best = next((int(i) for i in np.flatnonzero(fits) if explored.plan(int(i)) == answer.plan), -1)
    return Found(
        explored,
        answer,
        cost,
        against,
        budget_bytes,
        verdicts,
        int(comparable.sum()),
        tuple(map(int, frontier(explored.high, against.to_minimise(explored), fits))),
        top,
        best,
    )


def _told_apart(explored: Explored, rows: Iterator[int], most: int) -> tuple[int, ...]:
    """The first of those that a line of the table says the same of."""
    found: dict[tuple[object, ...], int] = {}
    for i in rows:
        if len(found) >= most:
            break
        plan = explored.plan(i)
        found.setdefault((setup(plan), others(plan), int(explored.quality[i])), i)
    return tuple(found.values())


def _cost(by: str) -> Cost:
    from planner.explore import costs

    memory = costs.Cost("memory", "Memory", "bytes", lambda e: e.high.astype(float), lambda n: words(round(n)))
    known = {"time": costs.SECONDS, "trainable": costs.TRAINABLE, "size": costs.SAVED, "quality": costs.QUALITY}
    return known.get(by, memory)


def in_words(found: Found) -> list[str]:
    explored = found.explored
    fit, tight = (int((found.verdicts == v).sum()) for v in (0, 1))
    budget = found.budget_bytes or explored.budget_bytes
    lines = [
        f"{explored.space.combinations:,} combinations in {len(explored.space.structures):,} structures:"
        f" {len(explored):,} valid, {explored.invalid_plans:,} not; {fit:,} fit, {tight:,} are tight on"
        f" {explored.place} with {words(budget)}.",
        f"{found.comparable:,} of them give up nothing of this plan: its rows in a step, its length, its rank.",
        *(f"Not valid, {x.plans:,}: {x.problem.fact}" for x in explored.invalid),
        "",
        f"Best: {found.answer.sentence}",
        *(f"Or: {way.sentence} ({way.note})" for way in found.answer.alternatives),
        *(f"- {miss.sentence}" for miss in found.answer.misses),
    ]
    beaten = f"Fits, and nothing else needs less memory and is better by {found.against.title.lower()}:"
    for title, rows in (
        (f"Best by {found.cost.title.lower()}, of each combination:", found.top),
        (beaten, found.frontier),
    ):
        if rows:
            lines += ["", title, *_table(found, rows)]
    if found.best >= 0:
        settings = settings_of(explored.plan(found.best).stage, explored.space.plan.stage)
        changes = " ".join(f"--set {shlex.quote(s)}" for s in settings)
        lines += ["", f"The best as changes of this plan: {changes or 'none'}"]
    return lines


def _table(found: Found, rows: tuple[int, ...]) -> list[str]:
    from planner.explore.costs import SAVED, SECONDS, quality_words

    e = found.explored
    head = ("memory", "low", "high", "epoch", "trained", "result", "setup", "other answers", "learns")
    cells = [head]
    for i in rows:
        plan = e.plan(i)
        answers = ", ".join(label for _, label in others(plan))
        figures = (words(int(e.peak[i])), words(int(e.low[i])), words(int(e.high[i])))
        costs = (SECONDS.text(e.seconds[i]), f"{int(e.trainable[i]):,}", SAVED.text(e.saved[i]))
        cells.append((*figures, *costs, setup(plan), answers, quality_words(e.quality[i])))
    return output.table(cells, right=frozenset(range(6)))


def as_json(found: Found, by: str) -> dict[str, Any]:
    """See `FIELDS`."""
    e = found.explored
    return {
        "combinations": e.space.combinations,
        "structures": len(e.space.structures),
        "valid": len(e),
        "invalid": e.invalid_plans,
        "fit": int((found.verdicts == 0).sum()),
        "tight": int((found.verdicts == 1).sum()),
        "comparable": found.comparable,
        "invalid_because": [
            x.problem.to_json() | {"plans": x.plans, "example": dict(x.example.facets)} for x in e.invalid
        ],
        "place": e.place,
        "budget_bytes": found.budget_bytes or e.budget_bytes,
        "by": by,
        "answer": found.answer.sentence,
        "best": _row(found, found.best) if found.best >= 0 else None,
        "frontier": [_row(found, i) for i in found.frontier],
        "top": [_row(found, i) for i in found.top],
        "misses": [miss.sentence for miss in found.answer.misses],
        "elapsed_s": e.elapsed_s,
    }


def _row(found: Found, i: int) -> dict[str, Any]:
    from planner.explore.costs import quality_words

    e = found.explored
    return {
        "answers": dict(e.facets(i)),
        "rank": int(e.rank[i]),
        "micro_batch": int(e.micro_batch[i]),
        "grad_accumulation": int(e.accumulation[i]),
        "max_length": int(e.max_length[i]),
        "verdict": VERDICTS[int(found.verdicts[i])],
        "low_bytes": int(e.low[i]),
        "peak_bytes": int(e.peak[i]),
        "high_bytes": int(e.high[i]),
        "seconds_per_epoch": float(e.seconds[i]),
        "tokens_per_s": float(e.tokens_per_s[i]),
        "trainable": int(e.trainable[i]),
        "saved_bytes": int(e.saved[i]),
        "quality": int(e.quality[i]),
        "learns": quality_words(e.quality[i]),
        "set": list(settings_of(e.plan(i).stage, e.space.plan.stage)),
    }
