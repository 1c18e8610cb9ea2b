"""A file of rows is read whole or its bad lines are named; what a prediction may see holds neither name nor answer."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from benchmarks.truth import row as row_module
from benchmarks.truth.label import Label, Measured
from benchmarks.truth.row import Row
from benchmarks.truth.rows import read_file, read_lines, read_row
from planner.problem import ProblemError
from planner.strict_json import DamagedError
from tests.benchmarks.one_row import published, raw_row

HIDDEN = {
    "id", "source", "group", "confidence", "scored", "scored_by_rule", "not_scored_because", "near_duplicate_of",
    "model", "bound", "stack", "notes", "peak_bytes", "peak_bytes_alt", "bound_bytes", "phase_peaks", "more_metrics",
}  # fmt: skip


def lines(*rows: dict[str, Any]) -> list[str]:
    return [json.dumps(r) for r in rows]


def reachable(kind: Any) -> set[str]:
    """Every attribute that can be reached from an instance of this dataclass."""
    found: set[str] = set()
    for name, hint in get_type_hints(kind).items():
        found.add(name)
        for part in (hint, *get_args(hint)):
            if is_dataclass(part):
                found |= reachable(part)
    return found


def test_a_row_holds_neither_names_nor_answers() -> None:
    assert not (reachable(Row) & HIDDEN)
    assert {f.name for f in fields(Label)} | {f.name for f in fields(Measured)} >= HIDDEN
    one = published().row
    assert not [name for name in HIDDEN if hasattr(one, name)]
    assert "invented" not in repr(one)
    assert not hasattr(row_module, "Label")


def test_rows_with_equal_fields_are_one_key() -> None:
    first, second = published(id="a", model="x", notes="n"), published(id="b", model="y", peak_bytes=5)
    assert first.row == second.row
    assert len({first.row, second.row}) == 1


def test_remaining_adapter_keys_are_kept() -> None:
    options = published().row.trainable_options
    assert options is not None
    assert (options.extra("factor"), options.extra("use_it"), options.extra("absent")) == (4, True, None)


def test_a_file_without_answers_is_read() -> None:
    bare = {
        k: v for k, v in raw_row(peak_bytes=None).items() if k not in ("more_metrics", "phase_peaks", "bound_bytes")
    }
    assert read_row(bare).measured == Measured()


def test_bad_lines_are_named_and_the_others_kept() -> None:
    text = [*lines(raw_row()), "", "{", "[]", *lines(raw_row(id="two", seq_len="long"), raw_row(id="three"), raw_row())]
    read = read_lines(text)
    assert [x.label.id for x in read.rows] == ["invented-1", "three"]
    assert [p.fact.split(":")[0] for p in read.problems] == ["Line 3", "Line 4", "Line 5", "Line 7"]
    assert "row.seq_len should be a whole number, it is 'long'" in read.problems[2].fact
    assert "was given before" in read.problems[3].fact


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"task": "dream"}, "row.task is 'dream'; known are train"),
        ({"micro_batch": True}, "row.micro_batch should be a whole number"),
        ({"seq_len": 5.5}, "row.seq_len should be a whole number"),
        ({"sharding": None}, "row.sharding should be an object"),
        ({"extra_trained": ["heads"]}, "row.extra_trained[0] is 'heads'"),
        ({"weights": {"storage": "nf4"}}, "row.weights lacks the field"),
        ({"optimizer": raw_row()["optimizer"] | {"speed": 1}}, "row.optimizer has a field 'speed'"),
        (
            {"trainable_options": raw_row()["trainable_options"] | {"peft_config": {"a": [1]}}},
            "peft_config.a should be",
        ),
        ({"peak_bytes": "1 GB"}, "row.peak_bytes should be a whole number"),
        ({"bound": "near"}, "row.bound is 'near'"),
    ],
)
def test_a_field_outside_the_schema_is_refused_by_name(changes: dict[str, Any], fact: str) -> None:
    with pytest.raises(DamagedError) as raised:
        read_row(raw_row(**changes))
    assert fact in str(raised.value)


def test_missing_and_unknown_fields_are_refused() -> None:
    short = raw_row()
    del short["attention"]
    with pytest.raises(DamagedError, match="'attention' is missing"):
        read_row(short)
    with pytest.raises(DamagedError, match="'extra'"):
        read_row(raw_row() | {"extra": 1})


def test_one_operator_is_read() -> None:
    component = {
        "op": "rms_norm", "provider": "liger", "batch": None, "seq_len": None, "tokens": 8, "hidden_size": 4,
        "intermediate_size": None, "vocab_size": None, "shards": None, "dtype": "bfloat16", "pass": "full",
    }  # fmt: skip
    one = published(task="component", component=component).row.component
    assert one is not None
    assert one.passes == "full"
    with pytest.raises(DamagedError, match="'passes'"):
        published(component=component | {"passes": "full"})


def test_a_source_is_its_repository() -> None:
    named = {
        "Lightning-AI/litgpt config_hub/finetune/README.md @1": "Lightning-AI/litgpt",
        "PyPI fitcheck-llm 0.3.1 sdist data.json run 3": "fitcheck-llm",
        "huggingface/peft#675 first post": "huggingface/peft",
        "": "?",
    }
    assert {s: published(source=s).label.repository for s in named} == named


def test_a_file_that_is_none_is_a_problem_in_words(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="cannot be read"):
        read_file(tmp_path / "absent.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProblemError, match="no UTF-8"):
        read_file(tmp_path / "bytes.jsonl")


@pytest.mark.shared
def test_the_published_file_is_read_without_a_problem() -> None:
    path = Path(__file__).resolve().parents[3] / "shared" / "data" / "measured" / "rows_dev.jsonl"
    if not path.is_file():
        pytest.skip("the published rows lie beside the project, and are absent here")
    read = read_file(path)
    assert read.problems == ()
    assert (len(read.rows), sum(x.label.scored for x in read.rows)) == (504, 327)


def test_a_line_separator_within_a_text_does_not_cut_the_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    told = json.dumps(raw_row(notes="one\u2028two\x85three"), ensure_ascii=False)
    file.write_bytes(f"{told}\r\n{told.replace('invented-1', 'invented-2')}\r\n".encode())
    read = read_file(file)
    assert (len(read.rows), read.problems) == (2, ())
