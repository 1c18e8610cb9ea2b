"""Real files of every kind, made by the real libraries, are read as what was written; damaged ones say what is wrong."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from planner.facts.formats.csv_table import FIELD_LIMIT
from planner.facts.formats.datasets_folder import STATE
from planner.facts.formats.open_rows import open_rows, size_and_digest
from planner.facts.formats.plain_text import PIECE_CHARACTERS
from planner.facts.mapping import Mapping
from planner.facts.read_data import read_data, rows
from planner.problem import ProblemError
from tests.faults import fault

SHARED = Path(__file__).parents[3].parent / "shared" / "data"
QUESTIONS = [{"question": f"What is {i} + {i}?", "answer": f"“{2 * i}”, of course;\nor ä{i}"} for i in range(8)]
MADE = [{"prompt": row["question"], "completion": row["answer"]} for row in QUESTIONS]
CHATS = [
    {"messages": [{"role": "user", "content": f"Hello {i}"}, {"role": "assistant", "content": f"Hi {i}"}]}
    for i in range(8)
]


def problem(path: Path, code: str, **how: Any) -> str:
    with pytest.raises(ProblemError) as caught:
        read_data(path, **how)
    assert caught.value.problem.code == code
    return caught.value.problem.fact


def table(path: Path, lines: list[list[str]], encoding: str = "utf-8", **how: Any) -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, **how).writerows(lines)
    return path


def questions(**how: Any) -> list[list[str]]:
    return [["question", "answer"], *([row["question"], row["answer"]] for row in QUESTIONS)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_is_read_whatever_parts_its_columns(tmp_path: Path, separator: str, encoding: str) -> None:
    file = table(tmp_path / "rows.csv", questions(), encoding, delimiter=separator, quoting=csv.QUOTE_ALL)
    facts = read_data(file)
    assert (facts.file_format, facts.form, facts.rows) == ("csv", "prompt_completion", 8)
    assert facts.mapping == Mapping(
        "prompt_completion", (("prompt", "question"), ("completion", "answer")), guessed=True
    )
    assert list(rows(file, facts.mapping)) == list(rows(file)) == MADE


def test_a_table_without_names_is_read_from_its_first_line(tmp_path: Path) -> None:
    facts = read_data(table(tmp_path / "rows.csv", questions()[1:]))
    assert facts.rows == 8
    assert [column for _, column in facts.mapping.columns] == ["column 1", "column 2"]
    assert any("first line" in note for note in facts.notes)


@fault(
    "a table with broken quotes and rows of another width",
    injected="written so",
    seen="each faulty row by its number and what is wrong with it, up to twenty",
    lost="nothing; the file is only read",
)
def test_faults_of_a_table_are_named_by_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text('question,answer\n"a","b"\n"a\n",b,c\nd\n"e" f,g\nh,\n', encoding="utf-8")
    said = problem(file, "data.rows")
    assert "Row 2: it has 3 columns, not 2" in said
    assert "Row 3: it has 1 column" in said
    assert "Row 4: it is not CSV" in said
    assert "Row 5: its prompt or its completion is empty" in said


def test_quotes_in_a_table_of_tabs_may_be_only_quotes(tmp_path: Path) -> None:
    file = tmp_path / "rows.tsv"
    file.write_text('question\tanswer\n"Who" said it?\t5" pipe\n"open\tyes\n', encoding="utf-8")
    facts = read_data(file)
    assert [row["prompt"] for row in rows(file)] == ['"Who" said it?', '"open']
    assert any("Quotes" in note for note in facts.notes)


@fault(
    "a table that is not UTF-8",
    injected="saved as Latin-1 and as UTF-16",
    seen="the line of the first wrong byte, or UTF-16 by name, and how to save it",
    lost="nothing; the file is only read",
)
def test_other_encodings_are_named_with_their_place(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("question,answer\nhow,so\nwie,schön\n", encoding="latin-1")
    assert "Line 3" in problem(file, "data.not_utf8")
    file.write_text("question,answer\nhow,so\n", encoding="utf-16")
    assert "UTF-16" in problem(file, "data.not_utf8")


@fault(
    "a quote that is never closed in a large table",
    injected="written so, with a small bound",
    seen="the row where it was opened; no more than 16 MiB are swallowed",
    lost="nothing; the file is only read",
)
def test_a_quote_that_is_never_closed_ends_at_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.facts.formats.csv_table.FIELD_LIMIT", 2000)
    before = csv.field_size_limit()
    file = tmp_path / "rows.csv"
    file.write_text('question,answer\nhow,"so\n' + "a,b\n" * 1000, encoding="utf-8")
    assert "Row 1 of rows.csv: it is not CSV: field larger than field limit" in problem(file, "data.row")
    assert csv.field_size_limit() == before
    assert before < FIELD_LIMIT


@pytest.mark.parametrize("indent", [None, 1])
def test_a_json_list_or_an_object_that_holds_one_is_read(tmp_path: Path, indent: int | None) -> None:
    file = tmp_path / "rows.json"
    for value in (QUESTIONS, {"version": "1", "data": QUESTIONS}):
        file.write_text(json.dumps(value, indent=indent), encoding="utf-8")
        assert list(rows(file)) == MADE
        assert read_data(file).file_format == "json"
    file.write_text("\n".join(map(json.dumps, QUESTIONS)), encoding="utf-8")
    assert read_data(file).file_format == "jsonl"
    file.write_text("\n".join(json.dumps(row, indent=1) for row in QUESTIONS), encoding="utf-8")
    assert list(rows(file)) == MADE
    file.write_text(json.dumps(QUESTIONS)[:-20], encoding="utf-8")
    assert "Row 8 of rows.json: it is not JSON" in problem(file, "data.row")


def test_a_list_of_many_megabytes_is_never_held_whole(tmp_path: Path) -> None:
    import tracemalloc

    file, row = tmp_path / "rows.json", json.dumps({"text": "word " * 20_000})
    file.write_text("[" + ",".join([row] * 120) + "]", encoding="utf-8")
    assert file.stat().st_size > 12_000_000
    tracemalloc.start()
    assert sum(1 for _ in open_rows(file).rows) == 120
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


@fault(
    "a packed file or a database in place of rows",
    injected="files with the first bytes of each",
    seen="what the file is, and to unpack it or save the rows",
    lost="nothing; the file is only read",
)
def test_packed_and_other_files_are_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    for begins, word in ((b"\x1f\x8b\x08", "gzip"), (b"PK\x03\x04", "ZIP"), (b"SQLite format 3\0", "database")):
        file.write_bytes(begins + b"0" * 50)
        assert word in problem(file, "data.other_kind")


def test_a_text_is_cut_into_pieces_at_its_paragraphs(tmp_path: Path) -> None:
    file = tmp_path / "book.txt"
    paragraphs = [f"Paragraph {i}: " + "so it went on. " * 20 for i in range(20)]
    file.write_text("\n\n".join(paragraphs) + "\n<|endoftext|>\nAnother book.\n", encoding="utf-8")
    facts, pieces = read_data(file), [row["text"] for row in rows(file)]
    assert (facts.file_format, facts.form, facts.rows) == ("text", "text", len(pieces))
    assert pieces[-1] == "Another book."
    assert all(piece.startswith("Paragraph") and len(piece) <= PIECE_CHARACTERS for piece in pieces[:-1])
    assert sum(piece.count("Paragraph") for piece in pieces) == 20


# --- with pyarrow and datasets ---
@fault(
    "Parquet where pyarrow is not installed",
    injected="the import made to fail",
    seen="the command that installs it, or to save as JSONL",
    lost="nothing; the file is only read",
)
def test_without_pyarrow_the_command_that_installs_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    file = tmp_path / "rows.parquet"
    file.write_bytes(b"PAR1")
    with pytest.raises(ProblemError) as caught:
        read_data(file)
    assert caught.value.problem.code == "data.needs_pyarrow"
    assert "pip install" in caught.value.problem.advice


@fault(
    "a Parquet file that was not fetched whole",
    injected="a file of pyarrow, cut off",
    seen="that it is perhaps not whole, before any of it is unpacked",
    lost="nothing; the file is only read",
)
@pytest.mark.parametrize("packing", ["snappy", "zstd", "none"])
def test_parquet_is_read_with_nested_columns(tmp_path: Path, packing: str) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "rows.parquet"
    image = [{"bytes": b"\x89PNG", "path": "x"}] * 8
    pq.write_table(
        pa.Table.from_pylist(CHATS).append_column("image", pa.array(image)), file, compression=packing, row_group_size=3
    )
    facts = read_data(file)
    assert (facts.file_format, facts.form, facts.mapping.guessed) == ("parquet", "messages", False)
    assert list(rows(file)) == CHATS
    assert any("image" in note for note in facts.notes)
    assert size_and_digest(file) == (facts.size_bytes, facts.sha256)
    file.write_bytes(file.read_bytes()[:-30])
    assert "perhaps it is not whole" in problem(file, "data.damaged")


def test_extension_types_are_never_read(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    storage = pa.array([b"0" * 16] * 2, pa.binary(16))
    odd = pa.ExtensionArray.from_storage(pa.uuid(), storage)
    pq.write_table(pa.table({"id": odd, "text": ["a", "b"]}), tmp_path / "a.parquet")
    assert [row for _, row in open_rows(tmp_path / "a.parquet").rows] == [{"text": "a"}, {"text": "b"}]
    pq.write_table(pa.table({"id": odd}), tmp_path / "b.parquet")
    problem(tmp_path / "b.parquet", "data.no_columns")


@fault(
    "a data set folder that lacks one of its files",
    injected="a folder of datasets, one Arrow file deleted",
    seen="which file is named and is not there",
    lost="nothing; the file is only read",
)
def test_a_folder_of_datasets_is_read_and_its_split_named(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    one, other = datasets.Dataset.from_list(QUESTIONS), datasets.Dataset.from_list(QUESTIONS[:2])
    one.save_to_disk(str(tmp_path / "one"), num_shards=2)
    datasets.DatasetDict({"test": other, "train": one}).save_to_disk(str(tmp_path / "both"))
    alone, both = read_data(tmp_path / "one"), read_data(tmp_path / "both")
    assert (alone.file_format, alone.rows, alone.notes) == ("datasets", 8, ())
    assert list(rows(tmp_path / "one")) == list(rows(tmp_path / "both")) == MADE
    assert both.notes == ("Only the split train is read; there is also test.",)
    assert both.sha256 != alone.sha256, "the files have other names there"
    state = json.loads((tmp_path / "one" / STATE).read_text())
    (tmp_path / "one" / state["_data_files"][1]["filename"]).unlink()
    assert "is not there" in problem(tmp_path / "one", "data.damaged")


def test_a_folder_as_the_hub_keeps_it_is_read(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    (tmp_path / "data").mkdir()
    (tmp_path / "README.md").write_text("# a data set")
    for name, part in (
        ("train-00000-of-00002", QUESTIONS[:5]),
        ("train-00001-of-00002", QUESTIONS[5:]),
        ("test-0", []),
    ):
        pq.write_table(pa.Table.from_pylist(part or QUESTIONS[:1]), tmp_path / "data" / f"{name}.parquet")
    facts = read_data(tmp_path)
    assert (facts.rows, facts.file_format) == (8, "datasets")
    assert list(rows(tmp_path)) == MADE
    assert facts.notes == ("Only the split train is read; there is also test.",)


def test_a_columns_name_that_is_no_text_is_damage(tmp_path: Path) -> None:
    """Found by damaging Arrow files at random: the library reads such a schema and fails when it is asked for the name."""
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"question": ["a"], "answer": ["b"]})
    with pa.ipc.new_stream(tmp_path / "rows.arrow", table.schema) as stream:
        stream.write_table(table)
    raw = (tmp_path / "rows.arrow").read_bytes()
    (tmp_path / "rows.arrow").write_bytes(raw.replace(b"question", b"\xffuestion"))
    assert "not UTF-8" in problem(tmp_path / "rows.arrow", "data.damaged")


def test_a_folder_without_rows_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.doc").write_text("nothing")
    assert "holds no rows" in problem(tmp_path, "data.file_unreadable")


# --- real data sets ---


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "format_", "form", "n"),
    [
        ("gsm8k/train_first1000.jsonl", "jsonl", "prompt_completion", 1000),
        ("self_instruct_alpaca/user_oriented_alpaca.json", "json", "alpaca", 252),
        ("taskmaster4_chat/sharegpt_200.json", "json", "sharegpt", 200),
        ("taskmaster4_chat/messages.jsonl", "jsonl", "messages", 1500),
        ("svamp/SVAMP.json", "json", "prompt_completion", 1000),
        ("clinc_oos_binary/test.tsv", "csv", "prompt_completion", 5500),
        ("pride_and_prejudice/pride_and_prejudice.txt", "text", "text", 557),
    ],
)
def test_published_data_sets_are_read(name: str, format_: str, form: str, n: int) -> None:
    file = SHARED / name
    if not file.exists():
        pytest.skip("the reference data are not beside the project")
    facts = read_data(file)
    assert (facts.file_format, facts.mapping.form, facts.rows) == (format_, form, n)
    assert sum(1 for _ in rows(file, facts.mapping)) == n


@pytest.mark.shared
def test_of_a_book_no_word_is_lost() -> None:
    file = SHARED / "pride_and_prejudice" / "pride_and_prejudice.txt"
    if not file.exists():
        pytest.skip("the reference data are not beside the project")
    pieces = [row["text"] for row in rows(file)]
    assert " ".join(pieces).split() == file.read_text(encoding="utf-8").split()
    assert max(map(len, pieces)) <= PIECE_CHARACTERS
