"""A look at a file shows its beginning as it stands and as it would be trained on, in bounded time whatever the file."""

from __future__ import annotations

import json
import time
from pathlib import Path

from planner.facts.mapped import LOOKED_AT_BYTES
from planner.facts.mapping import Mapping
from planner.facts.preview import look_at


def test_a_look_shows_columns_rows_and_what_is_trained_on(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("question,answer,n\nWhat?,This.,1\nWho?,,2\nWhy?,Because.,3\n", encoding="utf-8")
    seen = look_at(file)
    assert [(c.name, c.kind, c.example) for c in seen.columns][:1] == [("question", "text", "What?")]
    assert seen.rows[1] == {"question": "Who?", "answer": "", "n": "2"}
    assert seen.canonical[0] == {"prompt": "What?", "completion": "This."}
    assert seen.canonical[1] == "its prompt or its completion is empty"
    assert [problem.fact for problem in seen.faults] == ["Row 2 of rows.csv: its prompt or its completion is empty."]
    assert (seen.rows_seen, seen.whole, seen.numbers, seen.mapping.guessed) == (3, True, (1, 2, 3), True)
    other = look_at(file, Mapping("text", (("text", "question"),)), most=2)
    assert (other.canonical, other.whole) == (({"text": "What?"}, {"text": "Who?"}), False)


def test_columns_are_named_by_what_they_hold(tmp_path: Path) -> None:
    row = {"a": [{"role": "user", "content": "q"}], "b": 1, "c": {"x": 1}, "d": [1], "e": None, "f": "x"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({"f": 3}) + "\n{\n")
    seen = look_at(tmp_path / "rows.jsonl")
    assert [c.kind for c in seen.columns] == ["messages", "number", "object", "list", "empty", "mixed"]
    assert (len(seen.rows), seen.rows_seen, len(seen.faults)) == (2, 3, 3), "two without an answer, one that is no JSON"


def test_a_look_at_a_large_file_reads_its_beginning(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    line = json.dumps({"prompt": "x" * 1_000_000, "completion": "y"}) + "\n"
    file.write_text(line * 60)
    began = time.monotonic()
    seen = look_at(file)
    assert time.monotonic() - began < 5
    assert (seen.whole, len(seen.rows)) == (False, LOOKED_AT_BYTES // 1_000_000 + 1)
    assert len(seen.columns[0].example) <= 120
