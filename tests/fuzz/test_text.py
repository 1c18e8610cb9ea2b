"""Plain text from strangers: pieces that are short enough and hold every word, or a problem."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.formats.plain_text import END_OF_DOCUMENT, PIECE_CHARACTERS, text_rows
from tests.fuzz import CASES
from tests.fuzz.row_files import survives

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20).filter(
    lambda word: word != END_OF_DOCUMENT  # alone on a line it is a mark and no word
)
BETWEEN = st.sampled_from([" ", "\n", "\n\n", "\r\n", "  ", "\n \n"])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("text") / "book.txt"


@settings(max_examples=CASES, deadline=None)
@given(raw=st.binary(max_size=400))
def test_any_bytes(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    survives(file)


@settings(max_examples=CASES, deadline=None)
@given(
    parts=st.lists(st.tuples(WORDS, BETWEEN), max_size=30),
    times=st.integers(1, 60),
    long=st.integers(0, 5 * PIECE_CHARACTERS),
)
def test_pieces_are_short_enough_and_no_word_is_lost(
    file: Path, parts: list[tuple[str, str]], times: int, long: int
) -> None:
    text = "".join(word + between for word, between in parts) * times + "x" * long
    file.write_bytes(text.encode())
    pieces = [row["text"] for _, row in text_rows(file)]
    assert all(0 < len(piece) <= PIECE_CHARACTERS for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
