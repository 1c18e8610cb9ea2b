"""Planned and counted, side by side: real steps of the plan's own trainer under the count, compared line by line.

`python -m backends.counted --preset first-run` prints the table; `--set slot.option=value` changes the plan. It trains
in the same way as the worker, but writes no journal and keeps no result.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback, set_seed
from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]

from backends.count import LiveCount
from backends.count_lines import by_line
from backends.trainers.fine_tune import loaded, taken_out
from backends.trainers.twins import Twins, mixins, optimizer, twins_of, wrapped
from planner.estimate import Estimate, estimate
from planner.facts.read_data import rows
from planner.facts.split import held_out
from planner.ledger import HOST, At, Place
from planner.plan import Plan
from planner.plan_file import load_plan
from planner.plan_set import apply_set
from planner.presets import load_preset
from planner.probe import machine as this_machine
from planner.problem import ProblemError
from planner.run.arguments import trainer_arguments
from planner.units import KIB, words

ONE_BUCKET = {
    "Sum of the tied embedding's gradients": "End of backward",
    "Embedded tokens and positions": "Before the blocks",
    "Embedded batch": "Kept so far",
    "Rotary positions": "Before the blocks",
}
"""Lines whose storages cannot be told apart where they are counted."""


NOTHING: Mapping[str, int] = {}


@dataclass(frozen=True)
class Compared:
    """One line at one moment, or with `what` empty all of them. Bytes."""

    at: At
    what: str
    planned: int
    counted: int

    @property
    def close(self) -> bool:
        """Within 2 %, or 8 KiB of small things that belong nowhere (a loss, a norm) or die a little earlier."""
        return abs(self.planned - self.counted) <= max(self.counted // 50, 8 * KIB)


class CountedSteps:
    """Goes before SFTTrainer: every step of `train` is counted into `live_count`."""

    live_count: LiveCount

    def begun(self) -> LiveCount:
        """The count of a training that begins now."""
        return LiveCount(self.model)  # type: ignore[attr-defined]

    def train(self, *args: Any, **kwargs: Any) -> Any:
        self.live_count = self.begun()
        with self.live_count:
            return super().train(*args, **kwargs)  # type: ignore[misc]

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        with self.live_count.micro_batch(inputs):
            return super().training_step(model, inputs, *args, **kwargs)  # type: ignore[misc]

    def prediction_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        with self.live_count.evaluation(inputs):
            return super().prediction_step(model, inputs, *args, **kwargs)  # type: ignore[misc]

    def create_optimizer(self, *args: Any, **kwargs: Any) -> Any:
        optimizer = super().create_optimizer(*args, **kwargs)  # type: ignore[misc]
        optimizer.register_step_post_hook(self.live_count.updated)
        return optimizer


class AtTheEnd(TrainerCallback):
    """One evaluation after the last step."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        control.should_evaluate = state.global_step >= state.max_steps


def count(plan: Plan, data: list[dict[str, Any]]) -> LiveCount:
    """Train as planned on these rows and count, and evaluate once at the end what is held out. Raises what the trainer
    raises; keeps nothing."""
    twins = twins_of(plan)
    model, tokenizer = loaded(plan, twins)
    set_seed(plan.stage.schedule.seed)
    model = wrapped(model, twins)
    data = list(data)
    evaluated = taken_out(data, held_out(len(data), plan.stage.schedule))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        trainer = counted_trainer(plan, twins, (CountedSteps,), model, tokenizer, data, folder, evaluated)
        trainer.train()
    live: LiveCount = trainer.live_count
    return live


def counted_trainer(
    plan: Plan,
    twins: Twins,
    counting: tuple[type, ...],
    model: Any,
    tokenizer: Any,
    data: list[dict[str, Any]],
    folder: str,
    evaluated: list[dict[str, Any]] | None = None,
    **changes: Any,
) -> Any:
    """The plan's own trainer under the count. counting: classes that go before all others; evaluated: rows for one
    evaluation at the end; changes: of its arguments."""
    arguments = dict(trainer_arguments(plan, plan.stage))
    given = {**arguments, "save_strategy": "no", "eval_strategy": "no", **changes}
    trainer = type("CountedTrainer", (*counting, *mixins(twins), SFTTrainer), {})(
        model=model,
        args=SFTConfig(output_dir=folder, disable_tqdm=True, **given),
        train_dataset=Dataset.from_list(data),
        eval_dataset=Dataset.from_list(evaluated) if evaluated else None,
        callbacks=[AtTheEnd()] if evaluated else None,
        processing_class=tokenizer,
        optimizer_cls_and_kwargs=optimizer(twins, arguments["learning_rate"]),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def compare(
    prediction: Estimate, live: LiveCount, place: Place = HOST, beside: Mapping[str, int] = NOTHING
) -> Iterator[Compared]:
    """Every counted moment: first the total, then each line that is planned or counted there.

    place: where it is planned; beside: lines that no count of tensors sees, counted in another way.
    """
    accumulated = prediction.plan.stage.schedule.grad_accumulation > 1
    for at in prediction.timeline:
        instant = live.fullest.get((at.phase, at.moment))
        if instant is None:
            continue
        planned: dict[str, int] = {}
        for line in prediction.at(place, at):
            what = ONE_BUCKET.get(line.what, line.what)
            planned[what] = planned.get(what, 0) + int(line.bytes)
        counted = by_line(instant, live.n_blocks, live.head_bytes, accumulated=accumulated)
        counted = {**counted, **beside}
        yield Compared(at, "", sum(planned.values()), sum(counted.values()))
        for what in sorted({*planned, *counted}, key=lambda w: -max(planned.get(w, 0), counted.get(w, 0))):
            yield Compared(at, what, planned.get(what, 0), counted.get(what, 0))


def table(compared: Iterator[Compared]) -> Iterator[str]:
    """The comparison as lines of text."""
    yield f"{'moment':34} {'line':40} {'planned':>14} {'counted':>14} {'off by':>9}"
    for row in compared:
        off = f"{100 * (row.planned / row.counted - 1):+.2f} %" if row.counted else words(row.planned)
        where = f"{row.at.phase}, {row.at.moment}" if not row.what else ""
        yield f"{where:34} {row.what or 'all':40} {row.planned:14,} {row.counted:14,} {off:>9}{'' if row.close else '  <--'}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m backends.counted", description=__doc__.splitlines()[0])
    parser.add_argument("plan", nargs="?", help="a plan file")
    parser.add_argument("--preset", default="first-run")
    parser.add_argument("--set", action="append", default=[], metavar="SLOT.OPTION=VALUE")
    parser.add_argument("--steps", type=int, default=3)
    given = parser.parse_args(arguments)
    try:
        plan = load_plan(Path(given.plan)) if given.plan else load_preset(given.preset, this_machine())
        for change in given.set:
            plan = apply_set(plan, change)
    except ProblemError as error:
        print(error.problem, file=sys.stderr)
        return 2
    plan = plan.with_schedule(replace(plan.stage.schedule, max_steps=given.steps))
    torch.set_num_threads(plan.stage.schedule.threads or plan.machine.physical_cores)
    data = list(rows(plan.data.path, plan.data.mapping))
    for text in table(compare(estimate(plan), count(plan, data))):
        print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
