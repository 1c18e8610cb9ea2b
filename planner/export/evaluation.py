"""The part of an exported script that evaluates: which rows are held out, and losses of them as the run has them.

`torch.randperm` draws the very numbers that `planner.facts.split` draws, so the script needs one line for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.export.source import comment, literal
from planner.schedule import Schedule

MIXIN = "Evaluating"
CALLBACK = "EvaluationLog()"
CLASSES = '''\
class Evaluating:
    """Goes before the trainer. An evaluation leaves the random numbers of training as they were."""

    def evaluate(self, *args, **kwargs):
        with torch.random.fork_rng(devices=[]):
            return super().evaluate(*args, **kwargs)


class EvaluationLog(TrainerCallback):
    """Evaluates after the last step as well, and writes each loss, exactly."""

    def on_train_begin(self, args, state, control, **kwargs):
        self.file = open(output / "evaluations.jsonl", "w", encoding="utf-8")

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step >= state.max_steps:
            control.should_evaluate = True

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        if "eval_loss" in metrics:
            row = {"step": state.global_step, "loss": metrics["eval_loss"], "loss_hex": metrics["eval_loss"].hex()}
            print(json.dumps(row), file=self.file, flush=True)

    def on_train_end(self, args, state, control, **kwargs):
        self.file.close()
'''


def evaluates(schedule: Schedule) -> bool:
    return schedule.eval_fraction > 0


def split(schedule: Schedule) -> Iterator[str]:
    """From `rows`, as they are trained on: `train_dataset` and `eval_dataset`."""
    yield from comment("Rows held out for evaluation: drawn from the seed, and in the file's order.")
    yield f"n_held_out = int(len(rows) * {literal(schedule.eval_fraction)} + 0.5)"
    yield "shuffled = torch.randperm(len(rows), generator=torch.Generator().manual_seed(SEED)).tolist()"
    yield "held_out = set(shuffled[:n_held_out])"
    yield "train_dataset = Dataset.from_list([row for i, row in enumerate(rows) if i not in held_out])"
    yield "eval_dataset = Dataset.from_list([row for i, row in enumerate(rows) if i in held_out])"
