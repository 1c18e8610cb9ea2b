"""Finding the setups that `plimsoll fit` tells of: from what a person typed to plans that fit, with what was guessed.

It plans with shapes alone. The seconds go into numpy and the exploring, so both are imported only when there is something
to explore.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.cli import meant
from app.cli.exits import WrongUseError, wrong_use
from app.this_computer import this_machine
from planner.estimate import Estimate
from planner.facts.data import DataFacts
from planner.facts.gpus import other_machine
from planner.facts.machine import MachineFacts
from planner.facts.model.facts import ModelFacts
from planner.facts.read_data import read_data
from planner.plan import Plan
from planner.presets import default_plan
from planner.problem import Problem, ProblemError
from planner.timing.timed import Timed, timed
from planner.units import GIB

if TYPE_CHECKING:
    from planner.explore.explored import Explored
    from planner.explore.questions import Answer
    from planner.explore.space import Structure

LENGTH, ROWS_IN_A_STEP, ROWS = 1024, 16, 1000
LONGEST = 1_048_576  # tokens, as a schedule takes them
NEAREST = 1.25  # of the least; in five cases looked at, how techniques are set moved what they need by 2 to 8 %
PICKS = ("best", "thriftiest", "fastest")
TITLES = ("Learns most", "Needs least", "Takes least time")


@dataclass(frozen=True)
class Setup:
    """One of the answers. note: what it gives up beside the best, in the question's own words."""

    pick: str
    title: str
    estimate: Estimate
    note: str
    takes: Timed | None

    @property
    def plan(self) -> Plan:
        return self.estimate.plan


@dataclass(frozen=True)
class Fits:
    """Everything that is said. remarks: what was guessed or assumed. misses: the nearest, where nothing fits; instead:
    what else would, another model or another card."""

    plan: Plan
    remarks: tuple[str, ...]
    setups: tuple[Setup, ...]
    sentence: str
    misses: tuple[str, ...]
    instead: tuple[str, ...]


def fits(given: argparse.Namespace) -> Fits:
    """Raises WrongUseError for what was asked, ProblemError where nothing can be told of a model or a machine."""
    try:
        plan, remarks = _plan(given)
    except ProblemError as error:
        raise WrongUseError(error.problem) from None
    answer, instead = _answer(plan)
    misses = tuple(dict.fromkeys(m.sentence for m in answer.misses))
    return Fits(plan, remarks, _setups(answer), answer.sentence, misses, instead)


def _plan(given: argparse.Namespace) -> tuple[Plan, tuple[str, ...]]:
    """The plan that is asked about, with every default; and what was guessed or assumed for it."""
    if not given.model.strip():
        raise wrong_use("fit.no_model", "No model is named.", "Name one, a size (7B), or a folder.")
    model = meant.model_meant(given.model)
    machine, about_machine = _machine(given)
    data, about_rows = _data(given, model.found)
    plan = default_plan(model.found, data, machine)
    longest = max(data.lengths, default=given.length or LENGTH)
    length = min(given.length or longest, longest)  # a later cut than the longest row cuts nothing
    most = model.found.max_positions or length
    schedule = replace(
        plan.stage.schedule,
        micro_batch=min(ROWS_IN_A_STEP, data.rows),
        max_length=min(length, most),
    )
    cut = f"The model reads at most {most:,} tokens." if length > most else ""
    said = (model.remark, about_machine, about_rows, cut)
    return plan.with_schedule(schedule), tuple(filter(None, said))


def _machine(given: argparse.Namespace) -> tuple[MachineFacts, str]:
    if given.gpu is None:
        if given.ram is not None:
            raise wrong_use("fit.ram_without_card", "--ram is of the computer around a card.", "Name it: --gpu CARD.")
        return this_machine(), ""
    if given.ram is not None and not 1 <= given.ram <= 100_000:
        raise wrong_use("fit.ram", f"--ram is {given.ram:g}.", "Give the GiB of RAM, 32 for example.")
    card = meant.card_meant(given.gpu)
    if given.ram is None:
        return other_machine(card.found.name), card.remark
    return other_machine(card.found.name, ram_bytes=round(given.ram * GIB)), card.remark


def _data(given: argparse.Namespace, model: ModelFacts) -> tuple[DataFacts, str]:
    length = LENGTH if given.length is None else given.length
    if not 8 <= length <= LONGEST:
        raise wrong_use("fit.length", f"--length is {length}.", "Give the tokens of the longest row, 2048 for example.")
    if given.data:
        return read_data(given.data, model), ""
    data = DataFacts(f"rows of {length:,} tokens", "", "messages", ROWS, 0, "")
    assumed = "" if given.length is not None else " (--length N for others, --data FILE for yours)"
    return data, f"Every row is taken to have {length:,} tokens{assumed}."


def _answer(plan: Plan) -> tuple[Answer, tuple[str, ...]]:
    """Of combinations that cut rows where the plan does, with as many rows in a step as it has; and what else would fit
    where none of them does.

    First of every technique as it is usually set; where none of that fits, of every way to set those techniques that
    came nearest.
    """
    from planner.explore.questions import Question, ask
    from planner.explore.search import explore
    from planner.explore.space import Space, space_of

    space = space_of(plan)
    s = plan.stage.schedule
    rows = s.micro_batch * s.grad_accumulation
    grid = tuple(p for p in space.grid if p[2] == s.max_length and p[0] * p[1] == rows)
    usual = explore(plan, Space(plan, _usual(space.structures), grid))
    answer = _told(ask(Question.BEST, usual))
    if answer.plan is None:
        answer = _told(ask(Question.BEST, explore(plan, Space(plan, _near(usual, space.structures), grid))))
    if answer.plan is not None:
        return answer, ()
    asked = (("This card, another model", Question.MODEL), ("This model, another card", Question.CARD))
    told = ((what, ask(question, usual)) for what, question in asked)
    return answer, tuple(f"{what}: {a.sentence}" for what, a in told if not isinstance(a, Problem))


def _told(answer: Answer | Problem) -> Answer:
    if isinstance(answer, Problem):
        raise ProblemError(answer)
    return answer


def _usual(structures: tuple[Structure, ...]) -> tuple[Structure, ...]:
    """Of those with the same techniques that learn alike the first, which has its options as they usually are."""
    from planner.explore.quality import quality_of

    first: dict[tuple[object, ...], Structure] = {}
    for one in structures:
        first.setdefault((_techniques(one), quality_of(one.settings[-1][1])), one)
    return tuple(first.values())


def _near(usual: Explored, structures: tuple[Structure, ...]) -> tuple[Structure, ...]:
    """Those with the techniques of usual ones that need little more than the least."""
    least = int(usual.low.min())
    near = {
        _techniques(usual.space.structures[int(i)]) for i in set(usual.structure[usual.low <= NEAREST * least].tolist())
    }
    return tuple(one for one in structures if _techniques(one) in near)


def _techniques(one: Structure) -> tuple[str, ...]:
    return tuple(c.technique for c in one.settings[0][1])


def _setups(answer: Answer) -> tuple[Setup, ...]:
    """The best, and beside it whatever needs less or takes less time."""
    if answer.estimate is None:
        return ()
    found = [(0, answer.estimate, "")]
    for way in answer.alternatives:
        least = way.estimate.tiers[0].peak_bytes < answer.estimate.tiers[0].peak_bytes
        found.append((1 if least and not any(n == 1 for n, *_ in found) else 2, way.estimate, way.note))
    return tuple(Setup(PICKS[n], TITLES[n], one, note, timed(one.plan)) for n, one, note in found)
