"""One row from somewhere in a file, put behind the first rows of a preview, so that a finding leads to the row it is about.

Off the GUI thread: a file is read from its beginning up to the row.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.facts.canonical import canonical
from planner.facts.formats.open_rows import open_rows
from planner.facts.formats.raw import Unreadable
from planner.facts.mapping import Mapping, fault_of
from planner.facts.preview import Preview


def with_row(preview: Preview, mapping: Mapping, number: int) -> Preview:
    """The preview with the row of this number behind its own; the same where the file has no such row, or none that can be
    shown in columns. Raises ProblemError `data.*`."""
    opened = open_rows(Path(preview.path))
    for at, value in opened.rows:
        if at < number:
            continue
        if at > number or isinstance(value, Unreadable) or not isinstance(value, dict):
            return preview
        made: tuple[dict[str, Any] | str, ...] = ()
        if mapping.form and not fault_of(mapping):
            as_it_stands = opened.file_format == "jsonl" and mapping.exact
            row = canonical(value, mapping, as_it_stands=as_it_stands)
            made = (row if isinstance(row, str) else row[0],)
        return replace(
            preview,
            rows=(*preview.rows, value),
            canonical=(*preview.canonical, *made),
            numbers=(*preview.numbers, number),
        )
    return preview
