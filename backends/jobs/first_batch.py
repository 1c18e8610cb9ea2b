"""The first micro-batch of a run as its trainer will see it: tokens, padding, and which of them count in the loss.

The rows go through TRL's SFTTrainer with the run's own arguments, template and collator. No weights are read: how rows
become a batch depends on none, so a model of some thousand numbers stands in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backends.jobs.scan import tokens_of_row
from backends.meter import Meter
from backends.report import Report
from planner.facts.data import DataFacts
from planner.facts.model.folder import read_folder
from planner.facts.order import micro_batches
from planner.facts.read_data import read_data, rows
from planner.facts.rows import PROMPT_COMPLETION
from planner.facts.split import trained_on
from planner.problem import fail
from planner.run import events
from planner.run.arguments import table
from planner.run.jobs import FirstBatchSpec
from planner.run.results import FIRST_BATCH, BatchRow, BatchToken, FirstBatch, save
from planner.schedule import Schedule

PREPARED_ROWS = 5_000  # of more, only those are tokenised that should come first
KEYS = ("input_ids", "labels", "attention_mask")
IGNORED = -100  # the label of what does not count in the loss


def run(spec: FirstBatchSpec, report: Report, meter: Meter) -> events.Finished:
    """Raises ProblemError `model.*`, `data.*`."""
    report.started()
    meter.start()
    report.phase("check", Path(spec.data).name)
    model = read_folder(spec.model)
    data = read_data(spec.data, model, mapping=spec.mapping)
    report.phase("load", "tokenizer")
    from transformers import AutoTokenizer  # only now: it takes seconds, and a faulty row is told at once

    tokenizer = AutoTokenizer.from_pretrained(spec.model, local_files_only=True, trust_remote_code=False)
    report.phase("count")
    numbers, certain = _first(tokenizer, data, spec.schedule)
    found_rows = {number: row for number, row in enumerate(rows(spec.data, data.mapping)) if number in numbers}
    wanted = [found_rows[number] for number in numbers]
    longer = [tokens_of_row(tokenizer, row)[0] > spec.schedule.max_length for row in wanted]
    batch = _collated(tokenizer, wanted, spec.schedule, report.run_dir)
    found = FirstBatch(
        rows=tuple(
            BatchRow(number + 1, _tokens(tokenizer, *(batch[key][i].tolist() for key in KEYS)))
            for i, number in enumerate(numbers[: len(batch["input_ids"])])
        ),
        seq=int(batch["input_ids"].shape[1]),
        length=spec.schedule.max_length,
        cut=tuple(number + 1 for number, cut in zip(numbers, longer, strict=True) if cut),
        certain=certain,
    )
    result = report.run_dir / FIRST_BATCH
    save(found, result)
    counted = sum(token.in_loss for row in found.rows for token in row.tokens)
    text = f"{len(found.rows)} rows of {found.seq:,} tokens; {counted:,} of them count in the loss."
    return report.ending(str(result), "", text)


def _first(tokenizer: Any, data: DataFacts, schedule: Schedule) -> tuple[list[int], bool]:
    """(rows of the first batch, counted from 0; whether that is certain). Rows that the trainer drops are passed
    over: those of which nothing would be left that counts in the loss."""
    trained = trained_on(data.rows, schedule)
    drops = schedule.completion_only and data.form == PROMPT_COMPLETION
    lengths, prompts, certain = list(data.lengths), list(data.prompt_lengths), data.lengths_from == "counted"
    if drops and not certain and data.rows <= PREPARED_ROWS:
        counted = [tokens_of_row(tokenizer, row) for row in rows(data.path, data.mapping)]
        lengths, prompts, certain = [n for n, _ in counted], [p or 0 for _, p in counted], True
    if drops:
        trained = tuple(i for i in trained if prompts[i] < min(lengths[i], schedule.max_length))
    if not trained:
        raise fail(
            "data.nothing_counts",
            f"No row of {data.name} has anything left that counts in the loss at {schedule.max_length:,} tokens.",
            "Choose a longer length, or let the prompt count in the loss.",
        )
    numbers = [trained[i] for i in next(micro_batches(len(trained), schedule))]
    return numbers, certain or not drops


def _collated(tokenizer: Any, batch: list[dict[str, Any]], schedule: Schedule, run_dir: Path) -> dict[str, Any]:
    """These rows as SFTTrainer hands them to a model."""
    from transformers import LlamaConfig, LlamaForCausalLM
    from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]

    from backends.trainers.fine_tune import columns_of

    stand_in = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=8,
            intermediate_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            num_key_value_heads=1,
            max_position_embeddings=max(schedule.max_length, 8),
        )
    )
    arguments = {row["field"]: row["value"] for row in table()["written_out"] if "value" in row}
    arguments |= {
        "per_device_train_batch_size": len(batch),
        "max_length": schedule.max_length,
        "completion_only_loss": schedule.completion_only,
        "train_sampling_strategy": "sequential",
        "use_cpu": True,
        "dataloader_pin_memory": False,
    }
    trainer = SFTTrainer(
        model=stand_in,
        args=SFTConfig(output_dir=str(run_dir), disable_tqdm=True, **arguments),
        train_dataset=columns_of(batch),
        processing_class=tokenizer,
    )
    return dict(next(iter(trainer.get_train_dataloader())))


def _tokens(tokenizer: Any, ids: list[int], labels: list[int], mask: list[int]) -> tuple[BatchToken, ...]:
    texts = tokenizer.batch_decode([[i] for i in ids])
    places = zip(texts, ids, labels, mask, strict=True)
    return tuple(BatchToken(text, i, label != IGNORED, not here) for text, i, label, here in places)
