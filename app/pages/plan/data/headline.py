"""The drawer's title and its one banner: what a person should look at first. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.pages.plan.data.source import Source, complete, guess_words, missing_words
from planner.facts.data import DataFacts
from planner.facts.mapping import Mapping
from planner.facts.preview import Preview
from planner.problem import Problem

FORMATS = {
    "jsonl": "JSON lines",
    "json": "JSON",
    "csv": "table of text (CSV)",
    "parquet": "Parquet",
    "datasets": "folder of datasets",
    "text": "plain text",
}


class Looked(Protocol):
    """What is known of what is looked at."""

    source: Source
    preview: Preview | None
    trouble: Problem | None
    reading: bool

    @property
    def mapping(self) -> Mapping: ...
    @property
    def planned(self) -> bool: ...
    @property
    def known_faults(self) -> tuple[Problem, ...]: ...


@dataclass(frozen=True)
class Banner:
    """tone: a theme role. action: what the button asks for, with its label; empty where there is none."""

    tone: str
    text: str
    action: str = ""
    label: str = ""


def title(looked: Looked, data: DataFacts | None) -> str:
    """`support.csv · table of text (CSV) · 1,204 rows`."""
    if not looked.source.path:
        return "The rows are not on this computer"
    told = [looked.source.name]
    if looked.preview is not None:
        told.append(FORMATS.get(looked.preview.file_format, looked.preview.file_format))
    if looked.planned and data is not None:
        told.append(_rows(data.rows))
    elif looked.preview is not None:
        told.append(
            _rows(looked.preview.rows_seen) if looked.preview.whole else f"first {looked.preview.rows_seen:,} rows"
        )
    return " · ".join(told)


def banner(looked: Looked, kept: str) -> Banner | None:
    """kept: the name of the data that the plan has meanwhile."""
    if not looked.source.path:
        return None
    stays = "" if looked.planned else f" The plan keeps {kept} until then."
    if looked.trouble is not None:
        return Banner("bad", f"{looked.trouble.fact} {looked.trouble.advice}", "again", "Look again")
    if looked.preview is None:
        return Banner("muted", f"Looking at {looked.source.name} …")
    if looked.reading:
        return Banner("muted", f"Reading all rows of {looked.source.name} …{stays}")
    absent = missing_words(looked.mapping)
    if absent and looked.preview.rows:
        return Banner("warn", f"{absent}{stays}")
    faults = looked.known_faults
    if faults:
        many = "1 row" if len(faults) == 1 else f"{len(faults):,} rows"
        guess = " The columns are a guess: check them first." if looked.mapping.guessed else ""
        text = f"{many} cannot be used. {faults[0].fact} {faults[0].advice}{guess}{stays}"
        return Banner(
            "bad", text, "again" if len(faults) == 1 else "findings", "Look again" if len(faults) == 1 else "Show them"
        )
    guess = guess_words(looked.mapping)
    if guess:
        return Banner("warn", guess, "confirm", "Confirm")
    if not looked.planned and complete(looked.mapping):
        return Banner("muted", f"These rows are not the plan's: it has {kept}.", "use", "Use these rows")
    return None


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n:,} rows"
