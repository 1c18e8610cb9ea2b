"""From a file of rows to `DataFacts`, streaming: every row is read once, checked, and forgotten.

All faults are gathered with their numbers (up to twenty) before the file is refused, so that a person mends them in one
go. No tokenizer is needed: counted lengths are taken from a kept scan where there is one for this model and mapping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from planner.facts.data import DataFacts
from planner.facts.formats.open_rows import check_size, check_unchanged, size_and_digest, stamp_of
from planner.facts.formats.raw import ROWS_LIMIT, Unreadable
from planner.facts.lengths import estimated_length, estimated_prompt_length, find_lengths
from planner.facts.mapped import Mapped, fault, mapped
from planner.facts.mapping import Mapping, data_key
from planner.facts.model.facts import ModelFacts
from planner.facts.rows import MESSAGES, PROMPT_COMPLETION, Row
from planner.problem import Problem, ProblemError, fail

FAULTS_LIMIT = 20
GIVEN_UP = "data.given_up"
ROWS_BETWEEN_LOOKS = 50_000
QUESTION_LIMIT = 500  # characters of the sample prompt


class DataProblemError(ProblemError):
    """A data file that cannot be used. problems: every fault found, one each; `problem` sums them up."""

    def __init__(self, problem: Problem, problems: tuple[Problem, ...]) -> None:
        super().__init__(problem)
        self.problems = problems


def read_data(
    path: Path | str,
    model: ModelFacts | None = None,
    *,
    name: str = "",
    mapping: Mapping | None = None,
    wanted: Callable[[], bool] = lambda: True,
) -> DataFacts:
    """The facts of one file or folder; lengths are counted ones when a scan for `model`'s tokenizer is kept.

    mapping: how its columns are read; guessed when None or without a form. wanted: asked now and then, whether anybody still
    waits; `data.given_up` if not. Raises ProblemError `data.*`; `DataProblemError` when rows are at fault.
    """
    file = Path(path)
    stamp = stamp_of(file)
    check_size(file, stamp)
    found = mapped(file, mapping)
    lengths: list[int] = []
    prompt_lengths: list[int] = []
    faults: list[Problem] = []
    first: tuple[int, Row] | None = None
    question = ""
    for number, made in found.rows:
        said = made if isinstance(made, Unreadable) else ""
        if not isinstance(made, Unreadable) and first:
            said = _unlike(made[1], *first, found)
        if isinstance(made, Unreadable) or said:
            faults.append(fault(file, found.opened, number, said))
            if len(faults) == FAULTS_LIMIT:
                break
            continue
        row = made[1]
        first = first or (number, row)
        question = question or row.question.strip()
        lengths.append(estimated_length(row))
        prompt_lengths.append(estimated_prompt_length(row))
        if len(lengths) % ROWS_BETWEEN_LOOKS == 0:  # a file that grows faster than it is read has no end
            check_unchanged(file, stamp)
            if not wanted():
                raise fail(GIVEN_UP, f"{file.name} was not read to its end.", "Choose it again to read it.")
        if len(lengths) > ROWS_LIMIT:
            raise fail("data.too_large", f"{file.name} has more than {ROWS_LIMIT:,} rows.", "Split the file.")
    check_unchanged(file, stamp)
    if faults:
        raise _refused(file, faults, found)
    if first is None:
        raise fail("data.empty", f"{file.name} holds no rows.", "Choose a file with rows in it.")
    form = first[1].form
    size, sha256 = size_and_digest(file)
    check_unchanged(file, stamp)  # the digest is that of the rows
    counted = find_lengths(data_key(sha256, found.mapping), model.tokenizer, len(lengths)) if model else None
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
        prompt_lengths=prompts if form == PROMPT_COMPLETION else (),
        mapping=found.mapping,
        file_format=found.opened.file_format,
        notes=found.notes,
    )


def rows(path: Path | str, mapping: Mapping | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a file one by one as they are trained on. Raises ProblemError at the first faulty one."""
    file = Path(path)
    found = mapped(file, mapping)
    for number, made in found.rows:
        if isinstance(made, Unreadable):
            raise _refused(file, [fault(file, found.opened, number, made)], found)
        yield made[0]


def _unlike(row: Row, number: int, first: Row, found: Mapped) -> str:
    """Why a row cannot stand beside the first one; empty when it can."""
    unit = found.opened.counted_in.lower()
    if row.form != first.form:
        return f"it is of the {_form(row)} form, {unit} {number} of the {_form(first)} form"
    if row.conversational != first.conversational:
        return f"its prompt is {_written(row)}, that of {unit} {number} is {_written(first)}"
    return ""


def _form(row: Row) -> str:
    return "messages" if row.form == MESSAGES else "prompt–completion"


def _written(row: Row) -> str:
    return "a list of messages" if row.conversational else "text"


def _refused(file: Path, faults: list[Problem], found: Mapped) -> DataProblemError:
    prefix, unit = f" of {file.name}", found.opened.counted_in.lower() + "s"
    told = " ".join(f.fact.replace(prefix, "", 1) for f in faults)
    if len(faults) == 1:
        return DataProblemError(faults[0], tuple(faults))
    many = f"{len(faults)} or more" if len(faults) == FAULTS_LIMIT else str(len(faults))
    problem = Problem(
        "data.rows", f"{many} {unit}{prefix} cannot be used. {told}", f"Mend these {unit} or take them out."
    )
    return DataProblemError(problem, tuple(faults))
