"""A .txt file as training text: cut into pieces, so that no length loses any of it.

The rule: the text is one stream. Blank lines part it into paragraphs; whole paragraphs are gathered into a piece while
it has at most `PIECE_CHARACTERS`; a paragraph longer than that is cut at the end of a line, else of a word, else where
it must be. A line that is only `<|endoftext|>` ends a document, and no piece goes over it. Nothing but blanks at the
ends of pieces is lost. The trainer puts the end mark of the model after each piece, as after each row.

That is ours: the trainer itself takes one row as one sequence, cuts it at the plan's length and forgets the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from planner.facts.formats.lines import lines_of
from planner.facts.formats.raw import Numbered, Unreadable

PIECE_CHARACTERS = 1500
"""Some 420 tokens of English."""
END_OF_DOCUMENT = "<|endoftext|>"
NOTE = (
    f"Plain text, gathered by paragraphs into pieces of at most {PIECE_CHARACTERS:,} characters; each piece is a row."
)


def text_rows(file: Path) -> Numbered:
    for number, piece in enumerate(_pieces(file), start=1):
        yield number, piece if isinstance(piece, Unreadable) else {"text": piece}


def _pieces(file: Path) -> Iterator[str]:
    gathered = ""
    for paragraph in _paragraphs(file):
        if isinstance(paragraph, Unreadable):
            yield paragraph
            return
        if gathered and (not paragraph or len(gathered) + 2 + len(paragraph) > PIECE_CHARACTERS):
            yield gathered
            gathered = ""
        if paragraph:
            gathered = f"{gathered}\n\n{paragraph}" if gathered else paragraph
        if len(gathered) > PIECE_CHARACTERS:
            *whole, gathered = _cut_up(gathered)
            yield from whole
    if gathered:
        yield gathered


def _paragraphs(file: Path) -> Iterator[str]:
    """What blank lines part; an empty one ends a document. A paragraph without end comes in parts."""
    lines: list[str] = []
    held = 0
    for number, raw in lines_of(file):
        try:
            line = raw.decode("utf-8").rstrip()
        except UnicodeDecodeError as error:
            yield Unreadable(f"byte {error.start + 1:,} of line {number:,} is not UTF-8")
            return
        if "\0" in line:
            yield Unreadable(f"line {number:,} holds the character NUL, so the file is no text")
            return
        ends = line.strip() == END_OF_DOCUMENT
        if lines and (ends or not line.strip() or held > 2 * PIECE_CHARACTERS):
            yield "\n".join(lines)
            lines, held = [], 0
        if ends:
            yield ""
        elif line.strip():
            lines.append(line)
            held += len(line)
    if lines:
        yield "\n".join(lines)


def _cut_up(text: str) -> Iterator[str]:
    """A text in pieces, each ended behind a line, a word, or where it must; not before the middle of a piece."""
    at = 0
    while len(text) - at > PIECE_CHARACTERS:
        middle, end = at + PIECE_CHARACTERS // 2, at + PIECE_CHARACTERS
        cut = text.rfind("\n", middle, end)
        cut = cut if cut > 0 else text.rfind(" ", middle, end)
        cut = cut if cut > 0 else end
        if piece := text[at:cut].strip():
            yield piece
        at = cut
    yield text[at:].strip()
