"""The same run as a plain TRL script, without worker, journal or meter: `python -P tests/plain_trl.py SPEC.json OUT`.

Tests compare its losses with the worker's to the last bit, a benchmark its speed and memory. It shares with the
worker only what an export shares: the spec's literal values and the techniques' own torch halves.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback, set_seed
from trl import SFTConfig, SFTTrainer

from planner.plan_file import spec_from_json
from planner.techniques.registry import technique


class LossLog(TrainerCallback):
    """One line a step: its loss, exactly, and its seconds from first forward to log."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.began = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if "loss" in logs:
            row = {"step": state.global_step, "loss_hex": logs["loss"].hex(), "s": time.monotonic() - self.began}
            with self.path.open("a") as file:
                print(json.dumps(row), file=file)


def main(spec_path: str, out: str) -> None:
    spec = spec_from_json(json.loads(Path(spec_path).read_text()))
    torch.set_num_threads(spec.threads)
    plan, arguments = spec.plan, dict(spec.arguments)
    choices = [(technique(c.slot, c.technique).twin, c.options) for c in plan.stage.choices]
    twins = [(importlib.import_module(f"backends.techniques.{name}"), o) for name, o in choices if name]
    columns = ("messages",) if plan.data.form == "messages" else ("prompt", "completion")
    rows = [json.loads(line) for line in Path(plan.data.path).read_text().splitlines() if line.strip()]
    load: dict[str, Any] = {}
    for twin, o in twins:
        load |= twin.load_kwargs(o) if hasattr(twin, "load_kwargs") else {}
    tokenizer = AutoTokenizer.from_pretrained(plan.model.path)
    model = AutoModelForCausalLM.from_pretrained(plan.model.path, **load)
    set_seed(spec.seed)
    for twin, o in twins:
        model = twin.wrap(model, o) if hasattr(twin, "wrap") else model
    mixins = [twin.trainer_mixin(o) for twin, o in twins if hasattr(twin, "trainer_mixin")]
    kind, keywords = next(twin.optimizer(o) for twin, o in twins if hasattr(twin, "optimizer"))
    trainer = type("Trainer", (*mixins, SFTTrainer), {})(
        model=model,
        args=SFTConfig(output_dir=out, disable_tqdm=True, **{**arguments, "save_strategy": "no"}),
        train_dataset=Dataset.from_list([{c: row[c] for c in columns} for row in rows]),
        processing_class=tokenizer,
        optimizer_cls_and_kwargs=(kind, {"lr": arguments["learning_rate"], **keywords}),
        callbacks=[LossLog(Path(out) / "losses.jsonl")],
    )
    trainer.train()
    model.save_pretrained(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
