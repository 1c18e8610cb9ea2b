"""From a JSONL file to `DataFacts`, streaming: every line is read once, checked, and forgotten.

All faults are gathered with their line numbers (up to twenty) before the file is refused, so that a person mends them
in one go. No tokenizer is needed: counted lengths are taken from a kept scan where there is one for this model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from planner.facts.data import DataFacts
from planner.facts.json_file import size_of
from planner.facts.lengths import estimated_length, estimated_prompt_length, find_lengths
from planner.facts.model.facts import ModelFacts
from planner.facts.rows import MESSAGES, Row, check_row
from planner.problem import Problem, ProblemError, fail

FILE_LIMIT_BYTES = 64 * 1024**3
LINE_LIMIT_BYTES = 64 * 1024**2
ROWS_LIMIT = 20_000_000
FAULTS_LIMIT = 20
QUESTION_LIMIT = 500  # characters of the sample prompt


class DataProblemError(ProblemError):
    """A data file that cannot be used. problems: every fault found, one each; `problem` sums them up."""

    def __init__(self, problem: Problem, problems: tuple[Problem, ...]) -> None:
        super().__init__(problem)
        self.problems = problems


def read_data(path: Path | str, model: ModelFacts | None = None, *, name: str = "") -> DataFacts:
    """The facts of one JSONL file; lengths are counted ones when a scan for `model`'s tokenizer is kept.

    Raises ProblemError `data.*`; `DataProblemError` when rows are at fault.
    """
    file = Path(path)
    size = size_of(file, "data.file")
    if size > FILE_LIMIT_BYTES:
        raise fail("data.too_large", f"{file.name} has {size:,} bytes.", "Split it: one file may have 64 GiB.")
    lengths: list[int] = []
    prompt_lengths: list[int] = []
    faults: list[Problem] = []
    first: tuple[int, Row] | None = None
    question = ""
    digest = hashlib.sha256()
    for number, value in _values(file, digest):
        row = value if isinstance(value, str) else check_row(value.value)
        if isinstance(row, Row) and first and (said := _unlike(row, *first)):
            row = said
        if isinstance(row, str):
            faults.append(_fault(file, number, row))
            if len(faults) == FAULTS_LIMIT:
                break
            continue
        first = first or (number, row)
        question = question or row.question.strip()
        lengths.append(estimated_length(row))
        prompt_lengths.append(estimated_prompt_length(row))
        if len(lengths) > ROWS_LIMIT:
            raise fail("data.too_large", f"{file.name} has more than {ROWS_LIMIT:,} rows.", "Split the file.")
    if faults:
        raise _refused(file, faults)
    if first is None:
        raise fail("data.empty", f"{file.name} holds no rows.", "Choose a file with one JSON object per line.")
    form = first[1].form
    sha256 = digest.hexdigest()
    counted = find_lengths(sha256, model.tokenizer, len(lengths)) if model else None
    prompts = counted.prompt_lengths if counted else tuple(prompt_lengths)
    return DataFacts(
        name=name or file.stem,
        path=str(file.resolve()),
        form=form,
        rows=len(lengths),
        size_bytes=size,
        sha256=sha256,
        lengths=counted.lengths if counted else tuple(lengths),
        lengths_from="counted" if counted else "estimated",
        tokenizer=model.tokenizer if counted and model else "",
        sample_prompt=question[:QUESTION_LIMIT],
        prompt_lengths=() if form == MESSAGES else prompts,
    )


def rows(path: Path | str) -> Iterator[dict[str, Any]]:
    """The rows of a file one by one, as the facts were taken from it. Raises ProblemError at the first faulty one."""
    file = Path(path)
    for number, value in _values(file, hashlib.sha256()):
        row = value if isinstance(value, str) else check_row(value.value)
        if isinstance(row, str):
            raise _refused(file, [_fault(file, number, row)])
        assert not isinstance(value, str)
        yield value.value


class _Json:
    """A parsed line; a bare string in its place is the sentence that says why it is none."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _values(file: Path, digest: Any) -> Iterator[tuple[int, _Json | str]]:
    """(line number, parsed JSON or fault) of every line that is not blank; `digest` sees every byte."""
    try:
        with file.open("rb") as f:
            yield from ((number, _parsed(raw, number)) for number, raw in _lines(f, digest, file) if raw.strip())
    except OSError as error:
        raise fail(
            "data.file_unreadable",
            f"{file}: {error.strerror or 'cannot be read'}.",
            "Check the path and who may read it.",
        ) from None


def _lines(f: BinaryIO, digest: Any, file: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    while raw := f.readline(LINE_LIMIT_BYTES + 1):
        number += 1
        digest.update(raw)
        if len(raw) > LINE_LIMIT_BYTES:
            raise fail(
                "data.line_too_long",
                f"Line {number:,} of {file.name} has more than {LINE_LIMIT_BYTES // 1024**2} MiB.",
                "Choose a JSONL file: one row per line.",
            )
        if number == 1:
            if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise fail("data.not_utf8", f"{file.name} is encoded in UTF-16.", "Save it as UTF-8.")
            raw = raw.removeprefix(b"\xef\xbb\xbf")  # some editors mark UTF-8 so
            if raw.strip() == b"[" or raw.lstrip().startswith((b"[{", b"[\n", b"[ {")):
                raise fail(
                    "data.not_jsonl",
                    f"{file.name} is one JSON list, not a row per line.",
                    "Write each element on a line of its own, without the brackets and commas around them.",
                )
        yield number, raw


def _parsed(raw: bytes, number: int) -> _Json | str:
    try:
        return _Json(json.loads(raw.decode("utf-8")))
    except UnicodeDecodeError as error:
        return f"byte {error.start + 1} is not UTF-8"
    except json.JSONDecodeError as error:
        return f"it is not JSON: {error.msg} at character {error.colno}"
    except (ValueError, RecursionError):
        return "it is not JSON a row could be: a number is too long, or lists lie too deep in each other"


def _unlike(row: Row, number: int, first: Row) -> str:
    """Why a row cannot stand beside the first one; empty when it can."""
    if row.form != first.form:
        return f"it is of the {_form(row)} form, line {number} of the {_form(first)} form"
    if row.conversational != first.conversational:
        return f"its prompt is {_written(row)}, that of line {number} is {_written(first)}"
    return ""


def _form(row: Row) -> str:
    return "messages" if row.form == MESSAGES else "prompt–completion"


def _written(row: Row) -> str:
    return "a list of messages" if row.conversational else "text"


def _fault(file: Path, number: int, said: str) -> Problem:
    return Problem("data.row", f"Line {number:,} of {file.name}: {said}.", "Mend the line or take it out.")


def _refused(file: Path, faults: list[Problem]) -> DataProblemError:
    prefix = f" of {file.name}"
    told = " ".join(f.fact.replace(prefix, "", 1) for f in faults)
    if len(faults) == 1:
        return DataProblemError(faults[0], tuple(faults))
    many = f"{len(faults)} or more" if len(faults) == FAULTS_LIMIT else str(len(faults))
    problem = Problem("data.rows", f"{many} lines{prefix} cannot be used. {told}", "Mend these lines or take them out.")
    return DataProblemError(problem, tuple(faults))
