"""The five questions, each answered with a real plan whose own estimate has been made and which fits.

One door to the rooms that find the answers; what may be answered with stands in `worth`.
"""

from __future__ import annotations

from planner.explore.answer import ASKED, Answer, Miss, Question, Room, Way
from planner.explore.best import best_that_fits
from planner.explore.cards import smallest_card
from planner.explore.context_map import why_not
from planner.explore.costs import SECONDS, Cost
from planner.explore.explored import Explored, Mask
from planner.explore.models import largest_model
from planner.explore.stretch import largest_batch, longest_context
from planner.explore.trying import estimated
from planner.problem import Problem
from planner.tier import Verdict

__all__ = ["ASKED", "Answer", "Miss", "Question", "Room", "Way", "ask"]


def ask(
    question: Question,
    explored: Explored,
    *,
    cost: Cost = SECONDS,
    budget_bytes: int | None = None,
    among: Mask | None = None,
    family: str = "",
) -> Answer | Problem:
    """The answer around the explored plan.

    cost: what the best that fits has least of. budget_bytes: what if the device had so much for the run; the smallest
    card does not ask for it. among: only techniques of these rows. family: of models, by its name or one of them; the
    plan's own else. A machine or a model that nothing can be said of gives its problem.
    """
    if problem := _untold(explored, question, budget_bytes, among):
        return problem
    room = Room(budget_bytes)
    match question:
        case Question.BEST:
            return best_that_fits(explored, cost, room, among)
        case Question.LONGEST:
            return longest_context(explored, room, among)
        case Question.BATCH:
            return largest_batch(explored, room, among)
        case Question.MODEL:
            return largest_model(explored, family, room, among)
        case Question.CARD:
            return smallest_card(explored, among)


def _untold(explored: Explored, question: Question, budget_bytes: int | None, among: Mask | None) -> Problem | None:
    """Why there is nothing to answer with; None where there is."""
    if not len(explored):
        most = max(explored.invalid, key=lambda x: x.plans, default=None)
        return most.problem if most else why_not(estimated(explored.space.plan))
    if among is not None and not among.any():
        return Problem("explore.nothing_chosen", "The filters leave no plan.", "Allow more answers of a question.")
    one = estimated(explored.plan(0))
    if question is Question.CARD or Room(budget_bytes).verdict(one) is not Verdict.CANNOT_TELL:
        return None
    return why_not(one)
