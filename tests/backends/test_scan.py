"""The scan counts what the trainer will make of each row, and names the rows that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.problem import ProblemError
from planner.run import layout
from planner.run.events import Failed, Finished, Phase
from planner.run.home import HOME_VARIABLE
from planner.run.jobs import ScanSpec, write_job
from planner.run.journal import last_word
from planner.run.start import start
from tests.small_run import wait_for_end
from tests.tiny_model import make_rows

pytest.importorskip("torch", reason="needs the [train] extra")


def conversational(path: Path) -> Path:
    rows = [json.loads(line)["messages"] for line in make_rows(path, 12).read_text().splitlines()]
    path.write_text("\n".join(json.dumps({"prompt": r[:1], "completion": r[1:]}) for r in rows))
    return path


def as_text(path: Path) -> Path:
    """Prompt and completion, some completions already with the end mark, some without a space between."""
    rows = [json.loads(line) for line in make_rows(path, 12, form="prompt_completion").read_text().splitlines()]
    rows[3]["completion"] += "<|im_end|>"
    rows[5]["completion"] = rows[5]["completion"].strip()
    rows[7] = {"prompt": "mem", "completion": "ory weights"}
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def plain(path: Path) -> Path:
    """Texts alone, one of them already with the end mark."""
    rows = [json.loads(line) for line in make_rows(path, 12, form="prompt_completion").read_text().splitlines()]
    texts = [row["prompt"] + row["completion"] + "<|im_end|>" * (i == 4) for i, row in enumerate(rows)]
    path.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    return path


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # TRL's own call
@pytest.mark.parametrize("make", [lambda p: make_rows(p, 12), conversational, as_text, plain])
def test_the_count_is_the_trainers(make, tiny_model_dir: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from backends.jobs.scan import tokens_of_row

    rows = [json.loads(line) for line in make(tmp_path / "rows.jsonl").read_text().splitlines()]
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    arguments = SFTConfig(
        str(tmp_path / "out"),
        max_length=None,
        report_to="none",
        use_cpu=True,
        activation_checkpointing=False,
        completion_only_loss="prompt" in rows[0],
    )
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny_model_dir),
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    made = trainer.train_dataset
    counted = [tokens_of_row(tokenizer, row) for row in rows]
    assert [length for length, _ in counted] == [len(ids) for ids in made["input_ids"]]
    if "prompt" in rows[0]:
        prompts = [next(i for i, label in enumerate(labels) if label != -100) for labels in made["labels"]]
        assert [prompt for _, prompt in counted] == prompts


@pytest.mark.usefixtures("warm_workers")
def test_a_scan_is_written_and_kept_for_later_plans(
    tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from planner.facts.model.folder import read_folder
    from planner.facts.read_data import read_data

    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    data = make_rows(tmp_path / "rows.jsonl", 30)
    model = read_folder(tiny_model_dir)
    assert read_data(data, model).lengths_from == "estimated"
    write_job(tmp_path / "run", ScanSpec(str(tiny_model_dir), str(data)))
    start(tmp_path / "run")
    events = wait_for_end(tmp_path / "run")
    word = last_word(events)
    assert isinstance(word, Finished), word
    assert word is events[-1]
    assert any(isinstance(e, Phase) and e.phase == "count" for e in events)
    written = json.loads((tmp_path / "run" / layout.LENGTHS).read_text())
    facts = read_data(data, model)
    assert facts.lengths_from == "counted"
    assert list(facts.lengths) == written["lengths"]
    assert f"{sum(facts.lengths):,} tokens" in word.sentence


@pytest.mark.usefixtures("warm_workers")
def test_faulty_rows_are_named_by_number(tiny_model_dir: Path, tmp_path: Path) -> None:
    data = make_rows(tmp_path / "rows.jsonl", 5)
    lines = data.read_text().splitlines()
    lines[1] = '{"messages": [{"role": "user"'
    lines[3] = '{"messages": [{"role": "robot", "content": "x"}]}'
    data.write_text("\n".join(lines))
    write_job(tmp_path / "run", ScanSpec(str(tiny_model_dir), str(data)))
    start(tmp_path / "run")
    word = last_word(wait_for_end(tmp_path / "run"))
    assert isinstance(word, Failed)
    assert word.problem.code == "data.rows"
    assert "Line 2" in word.problem.fact
    assert "Line 4" in word.problem.fact


@pytest.mark.usefixtures("warm_workers")
def test_a_row_the_template_refuses_is_named(tiny_model_dir: Path, tmp_path: Path) -> None:
    import shutil

    from backends.jobs import scan
    from backends.meter import Meter
    from backends.report import Report

    model = tmp_path / "model"
    shutil.copytree(tiny_model_dir, model)
    (model / "chat_template.jinja").write_text(
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role here') }}{% endif %}x"
    )
    data = make_rows(tmp_path / "rows.jsonl", 3)
    with data.open("a") as file:
        turns = [{"role": r, "content": "memory"} for r in ("system", "user", "assistant")]
        print(json.dumps({"messages": turns}), file=file)
    report = Report(tmp_path)
    meter = Meter(report)
    with pytest.raises(ProblemError) as caught:
        scan.run(ScanSpec(str(model), str(data)), report, meter)
    meter.stop()  # as the worker does, whatever ends a job
    report.close()
    assert caught.value.problem.code == "data.template"
    assert "Row 4" in caught.value.problem.fact
    assert "no system role here" in caught.value.problem.fact
