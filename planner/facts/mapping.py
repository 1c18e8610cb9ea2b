"""Which column of a file is what: the forms that rows come in, the roles of each, and a guess that says it is one.

A mapping is part of a plan: the same file read otherwise is other data. Nothing here opens a file or makes a row of it;
`canonical` does that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from planner.problem import ProblemError, fail

FORMS = ("messages", "sharegpt", "alpaca", "prompt_completion", "preference", "text")
RULES = 1
"""Number of the rules by which rows are made of columns; another number is another count of tokens."""


class Role(NamedTuple):
    """What a column can be to a form. required: no row can be made without it."""

    name: str
    required: bool = True


ROLES: dict[str, tuple[Role, ...]] = {
    "messages": (Role("messages"),),
    "sharegpt": (Role("conversations"), Role("system", required=False)),
    "alpaca": (Role("instruction"), Role("input", required=False), Role("output")),
    "prompt_completion": (Role("prompt"), Role("completion")),
    "preference": (Role("prompt", required=False), Role("chosen"), Role("rejected", required=False)),
    "text": (Role("text"),),
}
TRAINED_AS = {
    "messages": "messages",
    "sharegpt": "messages",
    "alpaca": "prompt_completion",
    "prompt_completion": "prompt_completion",
    "preference": "prompt_completion",
    "text": "text",
}
"""The form that is trained on, for each form that a file may have."""
MADE = {
    "sharegpt": "Each conversation becomes messages: human is user, gpt is assistant.",
    "alpaca": "Instruction and input are put into Alpaca's published prompt; the output is the answer.",
    "preference": "Trained on the chosen answers only; the rejected ones are left out.",
}
"""What is done to the rows of a form, in a sentence; forms that are trained on as they are have none."""

# other names that columns of question and answer go by, the likeliest first
PROMPTS = ("prompt", "question", "instruction", "query", "input", "problem", "request", "user", "human", "source")
ANSWERS = ("completion", "answer", "response", "output", "solution", "reply", "target", "assistant", "bot", "summary")
TEXTS = ("text", "content", "document", "body", "passage", "story")
CHATML = "<|im_start|>"


@dataclass(frozen=True)
class Mapping:
    """How the rows of a file are read. columns: (role of the form, column of the file). guessed: nobody has said so.

    Without a form it says nothing: the columns carry the names of what is trained on, or nobody knows yet.
    """

    form: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    guessed: bool = False

    @property
    def exact(self) -> bool:
        """Whether rows are trained on as they stand: the form is one of those, and every column has its own name."""
        return TRAINED_AS.get(self.form, "") == self.form and all(role == column for role, column in self.columns)

    def column(self, role: str) -> str:
        """The column with a role; empty where none has it."""
        for of, column in self.columns:  # asked of every row
            if of == role:
                return column
        return ""


UNMAPPED = Mapping()


def fault_of(mapping: Mapping, columns: Sequence[str] | None = None) -> str:
    """Why no row can be made with it; empty when one can. columns: those of the file, where they are known."""
    if mapping.form not in ROLES:
        return f"there is no form {mapping.form!r:.40}; known are {', '.join(FORMS)}"
    roles = {role.name: role.required for role in ROLES[mapping.form]}
    for role, column in mapping.columns:
        if role not in roles:
            return f"the form {mapping.form} has no {role!r:.40}; it has {', '.join(roles)}"
        if columns is not None and column not in columns:
            return f"there is no column {column!r:.60}; there are {shown(columns)}"
    absent = [name for name, required in roles.items() if required and not mapping.column(name)]
    return f"the form {mapping.form} needs a column for {' and '.join(absent)}" if absent else ""


def data_key(sha256: str, mapping: Mapping) -> str:
    """What a count of tokens is kept under: the file's own digest where rows are trained on as they stand."""
    if not mapping.form or mapping.exact:
        return sha256
    told = json.dumps([RULES, sha256, mapping.form, sorted(mapping.columns)])
    return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()


def mapping_of(said: Iterable[str]) -> Mapping:
    """The mapping of `role=column` texts, whose form is the one that has these roles; `form=NAME` says which of several.

    Nothing said is no mapping: it is guessed anew. Raises ProblemError `data.mapping`.
    """
    pairs: list[tuple[str, str]] = []
    for text in said:
        role, _, column = (part.strip() for part in text.partition("="))
        if not role or not column:
            raise _not_understood(f"{text!r:.80} is not of the form role=column")
        pairs.append((role, column))
    form = next((column for role, column in pairs if role == "form"), "")
    columns = tuple((role, column) for role, column in pairs if role != "form")
    if len({role for role, _ in columns}) < len(columns):
        raise _not_understood("one role has two columns")
    if not pairs:
        return UNMAPPED
    fits = [f for f in (form,) if f in FORMS] if form else [f for f in FORMS if not fault_of(Mapping(f, columns))]
    if not fits and not form and (near := _lacking(columns)):
        raise _not_understood("; or ".join(near))
    if not fits:
        known = "; ".join(f"{f}: {', '.join(role.name for role in ROLES[f])}" for f in FORMS)
        raise _not_understood(f"no form has just these roles; known are {known}")
    if not columns:  # each role by its own name
        columns = tuple((role.name, role.name) for role in ROLES[fits[0]] if role.required)
    if said_of_it := fault_of(Mapping(fits[0], columns)):
        raise _not_understood(said_of_it)
    order = [role.name for role in ROLES[fits[0]]]
    return Mapping(fits[0], tuple(sorted(columns, key=lambda pair: order.index(pair[0]))))


def _lacking(columns: tuple[tuple[str, str], ...]) -> list[str]:
    """What each form that has all of these roles wants besides them."""
    said = {role for role, _ in columns}
    having = [form for form in FORMS if said and said <= {role.name for role in ROLES[form]}]
    return [fault_of(Mapping(form, columns)) for form in having]


def _not_understood(fact: str) -> ProblemError:
    return fail(
        "data.mapping", f"The mapping is not understood: {fact}.", "Map like this: prompt=question,completion=answer."
    )


def words(mapping: Mapping) -> str:
    """`prompt_completion: prompt = question, completion = answer`, with "(a guess)" where it is one."""
    columns = ", ".join(f"{role} = {column}" for role, column in mapping.columns)
    return f"{mapping.form}: {columns}" + (" (a guess)" if mapping.guessed else "")


def shown(columns: Iterable[str], most: int = 12) -> str:
    """Names of columns for a sentence, not endlessly many."""
    names = [f"{name:.60}" for name in columns]
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "") if names else "none"


def guess(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> Mapping:
    """The likeliest mapping of a file with these columns, some rows of which are at hand; without a form if none is.

    guessed is False only where the columns carry exactly the form's own names.
    """
    columns = [column for column in columns if column]  # one without a name can be no part of a mapping
    for form in ("messages", "prompt_completion", "preference"):
        if found := _by_name(form, columns):
            return found
    for column in columns:
        if parts := _first_list(rows, column):
            if "from" in parts and "value" in parts:
                system = (("system", "system"),) if "system" in columns else ()
                return Mapping("sharegpt", (("conversations", column), *system), column != "conversations")
            if "role" in parts and "content" in parts:
                return Mapping("messages", (("messages", column),), guessed=True)
    if found := _by_name("alpaca", columns):
        return found
    by_lower = {column.strip().lower(): column for column in reversed(columns)}
    prompt = next((by_lower[name] for name in PROMPTS if name in by_lower), "")
    answer = next((by_lower[name] for name in ANSWERS if name in by_lower and by_lower[name] != prompt), "")
    if prompt and answer:
        return Mapping("prompt_completion", (("prompt", prompt), ("completion", answer)), guessed=True)
    texts = [column for column in columns if _is_text(rows, column)]
    for column in texts:
        if any(CHATML in str(row.get(column, "")) for row in rows):
            return Mapping("messages", (("messages", column),), guessed=True)
    if text := next((by_lower[name] for name in TEXTS if name in by_lower and by_lower[name] in texts), ""):
        return Mapping("text", (("text", text),), guessed=text != "text")
    if len(texts) == 2:
        return Mapping("prompt_completion", (("prompt", texts[0]), ("completion", texts[1])), guessed=True)
    if len(texts) == 1 and len(columns) == 1:
        return Mapping("text", (("text", texts[0]),), guessed=True)
    return Mapping()


def _by_name(form: str, columns: Sequence[str]) -> Mapping | None:
    """The form whose own names the columns carry; a guess where they carry those of another form beside them."""
    roles = ROLES[form]
    named = tuple((role.name, role.name) for role in roles if role.name in columns)
    if any(role.required and role.name not in columns for role in roles) or len(named) < min(2, len(roles)):
        return None
    others = {"messages", "completion"} - {name for name, _ in named}
    return Mapping(form, named, guessed=any(name in columns for name in others))


def _first_list(rows: Sequence[dict[str, Any]], column: str) -> set[str]:
    """The keys of the parts of a conversation; empty where the column holds none."""
    for row in rows:
        value = row.get(column)
        if isinstance(value, str) and value.lstrip().startswith("[{"):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                continue
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return set(value[0])
    return set()


def _is_text(rows: Sequence[dict[str, Any]], column: str) -> bool:
    """Whether a column holds text, more than figures and single words in the rows at hand."""
    values = [row[column] for row in rows if row.get(column) is not None]
    return bool(values) and all(isinstance(value, str) for value in values) and any(value.strip() for value in values)
