"""Reads a file of published rows strictly: every field, nothing else, and a bad line is named and left out.

The schema is the published one (`rows.schema.json`, beside the rows). One JSON object per line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.truth.label import Label, Measured
from benchmarks.truth.row import Row
from planner.problem import Problem, fail
from planner.strict_json import DamagedError, mapping, parse, record, shown, typed

LONGEST_LINE = 1_000_000  # characters; a row has about 2,500


class Published(NamedTuple):
    """One line, split so that a prediction can be given `row` alone."""

    row: Row
    label: Label
    measured: Measured


class Read(NamedTuple):
    rows: tuple[Published, ...]
    problems: tuple[Problem, ...]


def read_file(path: Path) -> Read:
    """All rows of a file. Raises ProblemError when there is no such file or it is no text."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise fail("rows.unreadable", f"{path} cannot be read ({error.strerror}).", "Give a file of rows.") from None
    except UnicodeDecodeError:
        raise fail("rows.no_text", f"{path} is no UTF-8 text.", "Give a file with one JSON object per line.") from None
    return read_lines(text.split("\n"))  # splitlines would cut at U+2028 within a text, too


def read_lines(lines: Iterable[str]) -> Read:
    """All rows of these lines; blank lines are passed over, a bad or repeated one becomes a problem with its number."""
    rows: list[Published] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            one = read_row(_object(line))
            if one.label.id in seen:
                raise DamagedError(f"the id {shown(one.label.id)} was given before")
        except DamagedError as error:
            problems.append(Problem("rows.bad_line", f"Line {number}: {error}.", "The line is left out; correct it."))
            continue
        seen.add(one.label.id)
        rows.append(one)
    return Read(tuple(rows), tuple(problems))


def read_row(found: dict[str, Any]) -> Published:
    """One row from its JSON object. Raises DamagedError with the place of what is wrong."""
    known = set(_ROW) | set(_LABEL) | set(_MEASURED)
    if unknown := sorted(set(found) - known):
        raise DamagedError(f"there is a field {shown(unknown[0])}, which does not belong there")
    if missing := sorted(set(_ROW + _LABEL) - set(found)):
        raise DamagedError(f"the field {missing[0]!r} is missing")
    return Published(
        _row({k: found[k] for k in _ROW}),
        record(Label, {k: found[k] for k in _LABEL}, "row"),
        record(Measured, {k: found[k] for k in _MEASURED if k in found}, "row"),
    )


def _names(cls: type) -> list[str]:
    return [f.name for f in fields(cls)]


_ROW, _LABEL, _MEASURED = _names(Row), _names(Label), _names(Measured)


def _object(line: str) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise DamagedError(f"it is longer than {LONGEST_LINE} characters")
    return mapping(parse(line), "the line")


def _row(found: dict[str, Any]) -> Row:
    """Two fields have another form here: `pass` is a word of Python's, and a free mapping cannot be hashed."""
    if isinstance(component := found["component"], dict):
        if "passes" in component:
            raise DamagedError("row.component has a field 'passes', which does not belong there")
        found["component"] = {"passes" if k == "pass" else k: v for k, v in component.items()}
    if not isinstance(options := found["trainable_options"], dict):
        made: Row = record(Row, found, "row")
        return made
    if "peft_config" not in options:
        raise DamagedError("row.trainable_options lacks the field 'peft_config'")
    found["trainable_options"] = {k: v for k, v in options.items() if k != "peft_config"}
    made = record(Row, found, "row")
    assert made.trainable_options is not None
    return replace(made, trainable_options=replace(made.trainable_options, peft_config=_pairs(options["peft_config"])))


def _pairs(found: Any) -> tuple[tuple[str, str | int | float | bool], ...]:
    if found is None:
        return ()
    where = "row.trainable_options.peft_config"
    given = mapping(found, where)
    if bad := next((k for k, v in given.items() if not isinstance(v, (str, int, float, bool))), None):
        raise DamagedError(f"{where}.{bad} should be a text, a number, true or false, it is {shown(given[bad])}")
    return tuple(sorted((k, typed(type(v), v, f"{where}.{k}")) for k, v in given.items()))
