"""What the data drawer looks at: a file with a mapping, and the changes a person makes to the mapping by clicks. Qt-free.

A change is a new mapping; what differs between two says what changed, so that undo can name it. Nothing here reads a file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from planner.facts.data import DataFacts
from planner.facts.mapping import MADE, ROLES, UNMAPPED, Mapping

FORM_WORDS = {
    "messages": "Conversations (messages)",
    "sharegpt": "Conversations (ShareGPT)",
    "alpaca": "Instruction and output (Alpaca)",
    "prompt_completion": "Prompt and completion",
    "preference": "Chosen and rejected answers",
    "text": "Plain text",
}
"""Each form of rows, in words for a menu."""
NO_COLUMN = "none"
CHOOSE_FORM = "Say what the rows are: choose a form, then a column for each part of it."


@dataclass(frozen=True)
class Source:
    """A file as it is looked at. It is the plan's data, or a file that still has to become it."""

    path: str = ""
    mapping: Mapping = UNMAPPED

    @property
    def name(self) -> str:
        return Path(self.path).name


def source_of(data: DataFacts) -> Source:
    """Where a plan's rows come from, and as what they are read."""
    return Source(data.path, data.mapping)


def same_rows(a: Source, b: Source) -> bool:
    """Whether two sources make the same rows; whether a mapping is a guess is another matter."""
    return a.path == b.path and confirmed(a.mapping) == confirmed(b.mapping)


def roles_of(mapping: Mapping, column: str) -> tuple[str, ...]:
    """The roles that a column has."""
    return tuple(role for role, of in mapping.columns if of == column)


def missing(mapping: Mapping) -> tuple[str, ...]:
    """Roles that the form cannot do without and no column has."""
    return tuple(r.name for r in ROLES.get(mapping.form, ()) if r.required and not mapping.column(r.name))


def complete(mapping: Mapping) -> bool:
    """Whether rows can be made with it."""
    return mapping.form in ROLES and not missing(mapping)


def with_form(mapping: Mapping, form: str) -> Mapping:
    """Another form; roles of the same name keep their columns. A person chose it, so it is no guess."""
    if mapping.form == form:
        return mapping
    names = {role.name for role in ROLES[form]}
    return Mapping(form, tuple((role, column) for role, column in mapping.columns if role in names))


def with_role(mapping: Mapping, role: str, column: str) -> Mapping:
    """A role given to a column, or to none where column is empty. No guess any more: a person has looked at it."""
    kept = {**dict(mapping.columns), role: column}
    columns = tuple((r.name, kept[r.name]) for r in ROLES.get(mapping.form, ()) if kept.get(r.name))
    if columns == mapping.columns:
        return mapping
    return replace(mapping, columns=columns, guessed=False)


def confirmed(mapping: Mapping) -> Mapping:
    """The same, looked at and found right."""
    return replace(mapping, guessed=False)


def change_words(before: Mapping, after: Mapping) -> str:
    """`map completion → answer`: what differs, as a step of the history has it; empty where nothing does."""
    if before.form != after.form:
        return f"read rows as {FORM_WORDS.get(after.form, after.form or 'they stand')}"
    old, new = dict(before.columns), dict(after.columns)
    told = [f"{role} → {new.get(role, NO_COLUMN)}" for role in (old | new) if old.get(role) != new.get(role)]
    if told:
        return f"map {', '.join(told)}"
    return "confirm the mapping" if before.guessed and not after.guessed else ""


def guess_words(mapping: Mapping) -> str:
    """What the banner says of a guess; empty where it is none."""
    if not mapping.guessed or not mapping.form:
        return ""
    told = ", ".join(f"{role} is “{column}”" for role, column in mapping.columns)
    return f"We guessed how to read these rows: {FORM_WORDS.get(mapping.form, mapping.form)}; {told}. Check it."


def missing_words(mapping: Mapping) -> str:
    """Which clicks are still to be made; empty when none is."""
    if mapping.form not in ROLES:
        return CHOOSE_FORM
    absent = missing(mapping)
    return f"Choose the column that holds the {' and the '.join(absent)}." if absent else ""


def made_words(mapping: Mapping) -> str:
    """What is done to the rows of this form before they are trained on; empty where nothing is."""
    return MADE.get(mapping.form, "")
