"""The benchmark as it is run: what it prints, writes and returns, and that names change nothing."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.truth import __main__ as command
from benchmarks.truth.answer import Answer, Predicted, Refused
from benchmarks.truth.draft_of import predict
from benchmarks.truth.row import Row
from benchmarks.truth.rows import Published, read_file
from benchmarks.truth.run import run
from planner.problem import fail
from tests.benchmarks.one_row import published, raw_row

DEV = Path(__file__).resolve().parents[3] / "shared" / "data" / "measured" / "rows_dev.jsonl"


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def tokens(row: Row) -> Answer:
    """A predictor that any test can follow: one byte for each token, nothing beyond 10,000."""
    if row.seq_len is None or row.micro_batch is None:
        return Refused("the batch is not known")
    if row.seq_len > 10_000:
        raise fail("row.long", "It is too long.", "Cut it.")
    if row.seq_len == 13:
        raise KeyError("thirteen")
    size = row.seq_len * row.micro_batch
    return Predicted(size - 1, size, size + 1)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "predict", tokens)


@pytest.mark.usefixtures("counted")
def test_the_last_line_is_one_object_and_the_file_has_every_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = write(
        tmp_path / "rows.jsonl",
        raw_row(peak_bytes=1024),
        raw_row(id="long", seq_len=20_000),
        raw_row(id="unknown", seq_len=None, scored=False),
        raw_row(id="other", source="else/where b.md", peak_bytes=1000),
    )
    out = tmp_path / "predictions.csv"
    assert command.main([str(rows), "--out", str(out), "--by", "trainable", "--worst", "2"]) == 0
    printed = capsys.readouterr().out.splitlines()
    found = json.loads(printed[-1])
    assert (found["rows"], found["predicted"], found["refused"], found["not_scored"]) == (3, 2, 1, 1)
    assert found["median_abs_pct"] == pytest.approx(1.2)
    assert found["macro_median_pct"] == pytest.approx(1.2)
    assert found["by_source"]["else/where"]["median_abs_pct"] == pytest.approx(2.4)
    assert found["training_high"]["rows"] == 3
    assert set(found["training_high"]) <= set(found)
    assert any(line.startswith("someone/things ") for line in printed)
    assert any(line.startswith("  lora ") for line in printed)
    with out.open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    assert table == [
        ["id", "low", "expected", "high", "refused_why"],
        ["invented-1", "1023", "1024", "1025", ""],
        ["long", "", "", "", "It is too long. Cut it. [row.long]"],
        ["unknown", "", "", "", "the batch is not known"],
        ["other", "1023", "1024", "1025", ""],
    ]


@pytest.mark.usefixtures("counted")
def test_json_prints_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(write(tmp_path / "r.jsonl", raw_row())), "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.usefixtures("counted")
def test_rows_without_answers_are_predicted_and_not_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hidden = raw_row(peak_bytes=None, bound_bytes=None, phase_peaks=None, more_metrics=None)
    out = tmp_path / "p.csv"
    assert command.main([str(write(tmp_path / "r.jsonl", hidden)), "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8").splitlines()[1] == "invented-1,1023,1024,1025,"
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["rows"], found["median_abs_pct"]) == (0, None)


@pytest.mark.usefixtures("counted")
def test_a_crash_is_loud_and_counted_as_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(write(tmp_path / "r.jsonl", raw_row(seq_len=13)))]) == 1
    printed = capsys.readouterr()
    assert "CRASHED at invented-1" in printed.err
    assert "thirteen" in printed.err
    found = json.loads(printed.out.splitlines()[-1])
    assert (found["refused"], found["crashed"]) == (1, 1)


@pytest.mark.usefixtures("counted")
def test_a_bad_line_is_named_and_the_rest_is_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = write(tmp_path / "r.jsonl", raw_row(task="dream"), raw_row(id="good"))
    assert command.main([str(rows), "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("Line 1: row.task is 'dream'")
    assert json.loads(printed.out)["rows"] == 1


def test_nothing_to_read_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(tmp_path / "absent.jsonl")]) == 2
    assert command.main([str(write(tmp_path / "r.jsonl", raw_row())), "--only", "nobody"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.usefixtures("counted")
def test_a_file_that_cannot_be_written_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = write(tmp_path / "r.jsonl", raw_row())
    assert command.main([str(rows), "--out", str(tmp_path / "absent" / "p.csv")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_predictor_is_given_the_row_alone() -> None:
    given: list[object] = []

    def watch(*seen: object) -> Answer:
        given.extend(seen)
        return Refused("watched")

    run([published()], watch)
    assert {type(x) for x in given} == {Row}


def test_what_fails_in_a_destructor_is_a_bug_too() -> None:
    class Fragile:
        def __del__(self) -> None:
            raise KeyError("lost")

    def forgetful(row: Row) -> Answer:
        Fragile()
        return Refused("but something broke")

    assert [trace for _, trace in run([published()], forgetful).bugs][:1] == ["KeyError('lost')"]


def some_rows() -> list[Published]:
    """Every kind of row once where the published file is here, and the invented one."""
    if not DEV.is_file():
        return [published(), published(trainable="full", trainable_options=None)]
    return list(read_file(DEV).rows)


def test_names_and_order_change_no_prediction() -> None:
    rows = some_rows()
    before = [x.answer for x in run(rows, predict).answered]
    renamed = [
        Published(
            one.row, published(id=f"r{i}", source="x", group="y", model="z", notes="w").label, published().measured
        )
        for i, one in enumerate(rows)
    ]
    order = list(range(len(rows)))
    random.Random(4).shuffle(order)
    after = [x.answer for x in run([renamed[i] for i in order], predict).answered]
    assert after == [before[i] for i in order]


def test_no_prediction_crashes() -> None:
    assert run(some_rows(), predict).bugs == ()
