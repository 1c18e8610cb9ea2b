"""How long a plan takes: one value with everything that a page or a command says of it."""

from __future__ import annotations

from typing import NamedTuple

from planner.drafting import draft, plan_problems
from planner.facts.data import kept_lengths
from planner.facts.model.families import stacks_of
from planner.facts.order import steps_per_epoch, total_steps
from planner.facts.split import n_trained_on
from planner.plan import Plan
from planner.timing.effort import effort_of, forward_share
from planner.timing.rates import Work
from planner.timing.rates_of import rates
from planner.timing.speed import speed_of
from planner.timing.work import evaluations_of, work_of, work_of_evaluation


class Timed(NamedTuple):
    """seconds_per_epoch, tokens_per_s: low, expected and high; padding counts as tokens. work: of one epoch. why: where the figures are
    from and how far they may miss, a sentence. watts: seen in this device's own runs, None where no sensor was. epochs:
    passes over the data that the run makes, by its step limit where there is one. evaluating: seconds of all its
    evaluations, taken to be the part of a step's that its forward products are. Loading, checkpoints and sample answers
    come on top."""

    seconds_per_epoch: tuple[float, float, float]
    tokens_per_s: tuple[float, float, float]
    work: Work
    why: str
    watts: float | None = None
    epochs: float = 1.0
    evaluating: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def seconds_of_run(self) -> tuple[float, float, float]:
        """Low, expected and high of all steps and evaluations that the run makes."""
        low, expected, high = (
            a * self.epochs + b for a, b in zip(self.seconds_per_epoch, self.evaluating, strict=True)
        )
        return low, expected, high


def timed(plan: Plan) -> Timed | None:
    """The time of a plan, None where it is invalid, no row is left, or its device or its model has no figures."""
    speed = speed_of(plan)
    if speed is None or plan_problems(plan) or not stacks_of(plan.model) or plan.model.unsupported_because:
        return None
    schedule = plan.stage.schedule
    rows = n_trained_on(plan.data.rows, schedule) or schedule.micro_batch
    if plan.data.lengths:
        rows = len(kept_lengths(plan.data, schedule)[0])
    if not rows:  # every row's answer is cut away: nothing is left to train on
        return None
    work = work_of(plan.data, schedule)
    one = draft(plan)
    effort = effort_of(one)
    seconds = float(rates(effort, speed).seconds(work))
    if not seconds:
        return None
    least, most = speed.band(effort)
    three = (seconds * least, seconds, seconds * most)
    low, expected, high = (work.tokens / s for s in reversed(three))
    steps = total_steps(rows, schedule)
    evaluating = (0.0, 0.0, 0.0)
    if times := evaluations_of(steps, schedule):
        once = float(rates(effort, speed).seconds(work_of_evaluation(plan.data, schedule))) * forward_share(one)
        evaluating = times * once * least, times * once, times * once * most
    epochs = steps / steps_per_epoch(rows, schedule)
    return Timed(three, (low, expected, high), work, speed.source, speed.watts, epochs, evaluating)
