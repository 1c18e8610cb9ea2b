"""The smallest ways to make a plan fit: as few changes as it takes, of different kinds, nothing cut.

One way is smaller than another if it gives up less; if they give up alike, if it takes less time; then if it changes
fewer answers. What a way gives up is what its worst step does (`Step.severity`), then what all its steps do together; its
kind is the set of things that it changes. Ways are tried from the smallest on, and the first of a kind stands for its kind. A way is left out if a part
of it is enough, or if it changes all that a smaller one does and more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, islice, product
from typing import NamedTuple, TypeAlias

from planner.advised import lost_of, time_of
from planner.changes import Step, alternatives, applied
from planner.estimate import Estimate, Verdict, estimate
from planner.plan import Plan

Way: TypeAlias = tuple[Step, ...]
Questions: TypeAlias = list[list[Way]]

MOST_TRIED = 4000  # estimates of one search: about half a second
MOST_EXCLUSIONS = 12  # see `Search.is_there_one`


class Found(NamedTuple):
    """A way and what its plan needs."""

    steps: Way
    then: Estimate


class Search:
    """Everything that was estimated on the way, so that nothing is twice."""

    def __init__(self, plan: Plan, questions: Questions | None = None) -> None:
        """questions: the ways that may be gone; all there are where none are given."""
        self.plan = plan
        self.questions = alternatives(plan) if questions is None else questions
        self._seen: dict[frozenset[Step], Estimate] = {}

    @property
    def tried(self) -> int:
        return len(self._seen)

    def estimated(self, steps: Iterable[Step]) -> Estimate:
        steps = tuple(steps)
        key = frozenset(steps)
        found = self._seen.get(key)
        if found is None:
            found = self._seen[key] = estimate(applied(self.plan, steps))
        return found

    def fits(self, steps: Iterable[Step]) -> bool:
        return self.estimated(steps).verdict is Verdict.FITS

    def smallest(self, most: int) -> list[Found]:
        """The smallest ways, one of each kind, smallest first."""
        found: list[Found] = []
        for worst in sorted({s.severity for question in self.questions for way in question for s in way}):
            questions = _up_to(self.questions, worst)
            if not self._is_there_one(questions, found):
                continue
            beyond_help: set[Way] = set()
            for rest, batch in _in_order(questions, worst):
                way = (*rest, *batch)
                keys = {s.key for s in way}
                if rest in beyond_help or any(keys >= {s.key for s in f.steps} for f in found):
                    continue
                if batch and not self.fits((*rest, *questions[-1][-1])):
                    beyond_help.add(rest)
                elif self.fits(way) and not self._is_enough_without(way):
                    found.append(Found(way, self.estimated(way)))
                    if len(found) == most or not self._is_there_one(questions, found):
                        break
                if self.tried > MOST_TRIED:
                    return found
            if len(found) == most:
                break
        return found

    def thriftiest(self, questions: Questions) -> Way:
        """The way that needs least: question after question, whichever answer helps most, until none does."""
        chosen: list[Way] = [()] * len(questions)
        need = need_of(self.estimated(()))
        improved = True
        while improved:
            improved = False
            for i, question in enumerate(questions):
                for way in question:
                    trial = [*chosen[:i], way, *chosen[i + 1 :]]
                    then = need_of(self.estimated(_joined(trial)))
                    if then < need:
                        need, chosen, improved = then, trial, True
        return _joined(chosen)

    def _is_there_one(self, questions: Questions, found: Sequence[Found]) -> bool:
        """Whether to look on: whether anything fits that leaves out something of each way that was found.

        Judged by the thriftiest such way, which a search through all of them would rarely beat.
        """
        sets = [{s.key for s in f.steps} for f in found]
        exclusions = list(islice(product(*sets), MOST_EXCLUSIONS + 1))
        if len(exclusions) > MOST_EXCLUSIONS:
            return True
        for excluded in exclusions:
            left = [[way for way in question if not any(s.key in excluded for s in way)] for question in questions]
            if any(self.fits(way) for question in left for way in question) or self.fits(self.thriftiest(left)):
                return True
        return False

    def _is_enough_without(self, way: Way) -> bool:
        """Whether a part of the way would do; a step whose technique is not chosen is no part."""
        for size in range(1, len(way)):
            for part in combinations(way, size):
                if stands(self.plan, part) and self.fits(part):
                    return True
        return False


def need_of(now: Estimate) -> tuple[int, int]:
    """How far over the budget the worst place is; and all moments together, which a change away from the peak lowers."""
    if not now.tiers:
        return (1 << 62, 0)
    over = max(t.high_bytes - t.budget_bytes for t in now.tiers)
    return over, sum(total for t in now.tiers if t.place.tier != "disk" for _, total in t.totals)


def _up_to(questions: Questions, worst: int) -> Questions:
    return [[way for way in question if lost_of(way)[0] <= worst] for question in questions]


def _in_order(questions: Questions, worst: int) -> list[tuple[Way, Way]]:
    """All ways whose worst step gives up just that, as (all but the last question, the last), smallest first."""
    *others, last = questions
    groups = []
    for ways in product(*others):
        rest = _joined(ways)
        groups += [(rest, way) for way in last if (rest or way) and lost_of((*rest, *way))[0] == worst]
    return sorted(groups, key=lambda g: rank_of((*g[0], *g[1])))


def rank_of(way: Sequence[Step]) -> tuple[tuple[int, int], float, int]:
    """As `Change.rank`, before anything is estimated."""
    return lost_of(way), round(time_of(way), 2), len(way)


def _joined(ways: Iterable[Way]) -> Way:
    return tuple(step for way in ways for step in way)


def stands(plan: Plan, part: Sequence[Step]) -> bool:
    """Whether every option that the part sets is one of a technique that answers then."""
    for step in part:
        if step.needs and step.slot is not None:
            choice = applied(plan, [s for s in part if not s.needs]).stage.choice(step.slot)
            if choice is None or choice.technique != step.needs:
                return False
    return True
