"""Where the checks run: the device, a work folder with two models and rows, and plans as large as suits them.

Nothing here may touch the card: a context made by this process would be another program's memory in every reading.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.gpu_check.cases import EXAMPLE, Case, choose
from planner.assets import asset
from planner.facts.machine import Device, MachineFacts
from planner.facts.model.folder import read_folder
from planner.facts.read_data import read_data
from planner.plan import Plan, Stage
from planner.run import home
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques import registry
from planner.units import GIB, MIB
from tests.tiny_model import make_tiny_model

LAYER_BYTES = 100 * MIB  # of the random model on a card, in bfloat16
SHARE_OF_CARD = 10
QUESTION = "What is memory?"


@dataclass(frozen=True)
class Setting:
    """quick: the two-layer model in place of the example. rows, seq: of a batch; steps: of a run."""

    machine: MachineFacts
    device: Device
    work: Path
    quick: bool

    @property
    def on_card(self) -> bool:
        return self.device.kind != "cpu"

    @property
    def rows(self) -> int:
        return 4 if self.on_card else 2

    @property
    def seq(self) -> int:
        return 512 if self.on_card else 64

    @property
    def steps(self) -> int:
        return 2 if self.quick else 6 if self.on_card else 3

    def model(self, which: str) -> Path:
        """The folder of the example or of the random model, made where it is not there."""
        example = home.example_model_dir()
        if self.quick or not (example / "config.json").is_file():
            example = self.work / "stand-in"
            if not (example / "config.json").is_file():
                make_tiny_model(example)
        if which == EXAMPLE:
            return example
        made = self.work / f"random-{self.layers}"
        if not (made / "config.json").is_file():
            _random_model(made, example, self.layers, wide=self.on_card)
        return made

    @property
    def layers(self) -> int:
        if not self.on_card:
            return 4
        return max(4, min(28, min(self.device.total_bytes // SHARE_OF_CARD, 3 * GIB) // LAYER_BYTES))

    def plan(self, case: Case, **schedule: Any) -> Plan:
        """The plan of a case on this device; every row is longer than a batch may be, so all batches are alike."""
        settings: dict[str, Any] = {
            "micro_batch": self.rows,
            "max_length": self.seq,
            "max_steps": self.steps,
            "grad_accumulation": case.accumulation,
            "save_steps": 1000,
            "threads": 0 if self.on_card else 1,  # on a busy computer two threads wait for each other
            **schedule,
        }
        made = Schedule(**settings)
        data = self.work / f"rows-{made.max_length}.jsonl"
        if not data.is_file():
            _write_rows(data, made.max_length)
        stage = Stage(tuple(registry.default_choice(slot) for slot in registry.slots()), made)
        for choice in (*case.choices, choose(Slot.PLACEMENT, "one_device", device=self.device.id)):
            stage = stage.with_choice(choice)
        model = read_folder(self.model(case.model))
        return Plan(case.name, model, read_data(data, model), self.machine, (stage,))


def _write_rows(path: Path, max_length: int) -> None:
    """Rows of the sample data, one after the other until each is longer than the cap in any tokenizer's count."""
    texts = cycle(
        " ".join(m["content"] for m in json.loads(line)["messages"])
        for line in asset("sample", "questions.jsonl").read_text(encoding="utf-8").splitlines()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(256):
            answer = ""
            while len(answer) < 8 * max_length:
                answer += next(texts) + " "
            said = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": answer.strip()}]
            print(json.dumps({"messages": said}), file=file)


def _random_model(folder: Path, example: Path, layers: int, *, wide: bool) -> None:
    """Qwen3 with random weights and the example's tokenizer. On the CPU of this process, and written in bfloat16."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    width = 2048 if wide else 256
    config = AutoConfig.for_model(
        "qwen3",
        vocab_size=json.loads((example / "config.json").read_text(encoding="utf-8"))["vocab_size"],
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 128,
        num_key_value_heads=width // 256,
        head_dim=128,
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)  # type: ignore[no-untyped-call]
        model.save_pretrained(folder)
    for path in example.iterdir():
        if path.name.startswith(("tokenizer", "special_tokens", "chat_template", "vocab", "merges")):
            shutil.copy(path, folder / path.name)
