"""The order of rows without torch is the order in which the real trainer takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planner.facts.order import epochs_begun, micro_batches, randperm, steps_per_epoch, total_steps
from planner.schedule import Schedule


@pytest.mark.parametrize("seed", [0, 1, 17, 2**31, 2**32 - 1, 2**32 + 5])
@pytest.mark.parametrize("n", [1, 2, 3, 17, 200, 5000])
def test_randperm_is_torchs(n: int, seed: int) -> None:
    torch = pytest.importorskip("torch")
    generator = torch.Generator()
    generator.manual_seed(seed)
    assert randperm(n, seed) == tuple(torch.randperm(n, generator=generator).tolist())


CASES = [
    {"rows": 10, "micro_batch": 4},
    {"rows": 10, "micro_batch": 4, "shuffle": False},
    {"rows": 10, "micro_batch": 3, "grad_accumulation": 2, "epochs": 2.0, "seed": 5},
    {"rows": 11, "micro_batch": 2, "grad_accumulation": 4, "epochs": 1.5, "seed": 2**32 - 1},
    {"rows": 9, "micro_batch": 4, "epochs": 0.5, "seed": 0},
    {"rows": 7, "micro_batch": 2, "grad_accumulation": 3, "max_steps": 5, "seed": 3},
    {"rows": 7, "micro_batch": 8, "max_steps": 3, "seed": 99},
    {"rows": 3, "micro_batch": 1, "grad_accumulation": 8, "epochs": 3.0},
    {"rows": 257, "micro_batch": 16, "grad_accumulation": 2, "epochs": 2.0, "seed": 1234},
]


@pytest.mark.parametrize("case", CASES)
def test_the_real_trainer_takes_these_batches(case: dict[str, Any], tiny_model_dir: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    transformers = pytest.importorskip("transformers")
    rows = case["rows"]
    schedule = Schedule(**{k: v for k, v in case.items() if k != "rows"})
    taken: list[tuple[int, ...]] = []

    class Recording(trl.SFTTrainer):  # type: ignore[misc, name-defined]
        def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
            assert inputs["input_ids"].shape == inputs["attention_mask"].shape
            taken.append(tuple((inputs["input_ids"][:, 0] - 10).tolist()))
            return torch.zeros(())

    trainer = Recording(
        model=transformers.AutoModelForCausalLM.from_pretrained(tiny_model_dir),
        processing_class=transformers.AutoTokenizer.from_pretrained(tiny_model_dir),
        args=trl.SFTConfig(
            output_dir=str(tmp_path),
            per_device_train_batch_size=schedule.micro_batch,
            gradient_accumulation_steps=schedule.grad_accumulation,
            num_train_epochs=schedule.epochs,
            max_steps=schedule.max_steps,
            seed=schedule.seed,
            train_sampling_strategy="random" if schedule.shuffle else "sequential",
            max_grad_norm=0,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            gradient_checkpointing=None,
            activation_checkpointing=False,
            bf16=False,
            disable_tqdm=True,
            logging_strategy="no",
        ),
        # each row says its own number in its first token
        train_dataset=datasets.Dataset.from_list(
            [{"input_ids": [10 + i, 5, 6], "labels": [5, 5, 6]} for i in range(rows)]
        ),
    )
    with torch.random.fork_rng(devices=[]):
        trainer.train()
    assert taken == list(micro_batches(rows, schedule))
    assert trainer.state.global_step == trainer.state.max_steps == total_steps(rows, schedule)
    assert trainer.state.num_train_epochs == epochs_begun(rows, schedule)


def test_steps_are_rounded_up_and_at_least_one() -> None:
    assert steps_per_epoch(10, Schedule(micro_batch=4, grad_accumulation=2)) == 2
    assert steps_per_epoch(1, Schedule(micro_batch=4, grad_accumulation=8)) == 1
    assert total_steps(10, Schedule(micro_batch=4, epochs=1.5)) == 5
    assert total_steps(10, Schedule(micro_batch=4, max_steps=7)) == 7
