"""The first batch is the one that the run's trainer takes first, and mapped rows and plain text train like any."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from planner.facts.mapping import mapping_of
from planner.facts.model.folder import read_folder
from planner.facts.order import micro_batches
from planner.facts.read_data import read_data, rows
from planner.facts.split import held_out, trained_on
from planner.run.events import Finished
from planner.run.jobs import FirstBatchSpec, ScanSpec, job_from_json, job_to_json, write_job
from planner.run.journal import last_word, steps
from planner.run.results import FIRST_BATCH, FirstBatch, load
from planner.run.start import start
from planner.schedule import Schedule
from tests.small_run import small_plan, wait_for_end, write_run
from tests.tiny_model import make_rows

pytest.importorskip("torch", reason="needs the [train] extra")
MAPPING = mapping_of(["prompt=q", "completion=a"])
pytestmark = pytest.mark.usefixtures("warm_workers")


def a_table(folder: Path) -> Path:
    made = make_rows(folder / "made.jsonl", 20, form="prompt_completion")
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["question", "answer"])
        table.writerows(list(json.loads(line).values()) for line in made.read_text().splitlines())
    return folder / "rows.csv"


def test_the_first_batch_is_what_the_trainer_collates(tiny_model_dir: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    data = read_data(a_table(tmp_path), read_folder(tiny_model_dir))
    schedule = Schedule(micro_batch=4, max_length=24, completion_only=True, eval_fraction=0.2, seed=3)
    write_job(tmp_path / "run", FirstBatchSpec(str(tiny_model_dir), data.path, schedule, data.mapping))
    start(tmp_path / "run")
    word = last_word(wait_for_end(tmp_path / "run"))
    assert isinstance(word, Finished), word
    batch = load(FirstBatch, tmp_path / "run" / FIRST_BATCH)

    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    found = list(rows(data.path, data.mapping))
    whole = [tokenizer(r["prompt"] + r["completion"] + tokenizer.eos_token)["input_ids"] for r in found]
    prompts = [len(tokenizer(r["prompt"])["input_ids"]) for r in found]
    kept = [i for i in trained_on(data.rows, schedule) if prompts[i] < min(len(whole[i]), 24)]
    numbers = [kept[i] for i in next(micro_batches(len(kept), schedule))]
    assert [row.number - 1 for row in batch.rows] == numbers
    assert not set(numbers) & set(held_out(data.rows, schedule))
    assert batch.seq == max(min(len(whole[i]), 24) for i in numbers)
    for row, i in zip(batch.rows, numbers, strict=True):
        assert len(row.tokens) == batch.seq
        here = [token for token in row.tokens if not token.padding]
        assert [token.id for token in here] == whole[i][:24]
        assert [token.in_loss for token in here] == [at >= prompts[i] for at in range(len(here))]
        assert not any(token.in_loss for token in row.tokens[len(here) :])
        assert "".join(token.text for token in here).startswith(found[i]["prompt"][:20])
    assert batch.cut == tuple(i + 1 for i in numbers if len(whole[i]) > 24)
    assert batch.cut, "some row of this batch is cut"
    assert batch.certain


def test_a_text_is_counted_and_trained_on_in_its_pieces(
    tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    lines = make_rows(tmp_path / "made.jsonl", 60, form="prompt_completion").read_text().splitlines()
    book = tmp_path / "book.txt"
    book.write_text("\n\n".join("".join(json.loads(line).values()) for line in lines))
    write_job(tmp_path / "count", ScanSpec(str(tiny_model_dir), str(book)))
    start(tmp_path / "count")
    assert isinstance(last_word(wait_for_end(tmp_path / "count")), Finished)
    plan = small_plan(tiny_model_dir, book, micro_batch=1, max_length=4000, shuffle=False)
    plan = replace(plan, data=read_data(book, plan.model))
    assert (plan.data.form, plan.data.lengths_from) == ("text", "counted")
    assert plan.data.rows > 3
    write_run(tmp_path / "run", plan)
    start(tmp_path / "run")
    events = wait_for_end(tmp_path / "run")
    assert isinstance(last_word(events), Finished), last_word(events)
    assert [step.seq for step in steps(events)] == list(plan.data.lengths[:2])


def test_the_job_is_written_and_read_with_its_mapping() -> None:
    for job in (
        FirstBatchSpec("m", "d", Schedule(micro_batch=3), MAPPING),
        ScanSpec("m", "d", MAPPING),
    ):
        assert job_from_json(json.loads(json.dumps(job_to_json(job)))) == job
