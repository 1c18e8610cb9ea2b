"""Token lengths of data rows: counted ones kept from a scan, else estimated from the size of the text.

A scan costs seconds to minutes and needs the tokenizer, so its result is kept in a small file, under the digests of
the data and of the tokenizer with its chat template: change either and the count no longer applies. Without one the
estimate below stands in, and says so, so that planning never waits.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from planner.assets import asset
from planner.facts.json_file import read_object
from planner.facts.rows import Row
from planner.problem import ProblemError
from planner.run.home import home

SCHEMA = 1
LIMIT_BYTES = 256 * 1024**2

# UTF-8 bytes of text per token, measured with the embedded model's tokenizer on 3,500 rows of eight English sets
# (questions and answers, arithmetic, instructions, two books, Python source): the sets' means lie between 2.8 and 4.2;
# in none do more than 5 % of the rows lie below 2.2, or more than 5 % above 5.3. Digits need more tokens than prose.
BYTES_PER_TOKEN = 3.6
BYTES_PER_TOKEN_BAND = (2.2, 5.3)
# ChatML marks each message with five tokens; a template's own system prompt has some twenty.
TOKENS_PER_MESSAGE = 5
TOKENS_PER_CONVERSATION = 20


@dataclass(frozen=True)
class Counted:
    """Tokens of each row in file order, and of its prompt (0 where a row has none)."""

    lengths: tuple[int, ...]
    prompt_lengths: tuple[int, ...]


def estimated_length(row: Row) -> int:
    """Tokens a row may have, from the size of its text; see `BYTES_PER_TOKEN_BAND` for how far off that may be."""
    return max(1, round(row.text_bytes / BYTES_PER_TOKEN) + _marks(row))


def estimated_prompt_length(row: Row) -> int:
    """Tokens of a row's prompt, estimated alike."""
    return round(row.prompt_bytes / BYTES_PER_TOKEN) + _marks(row) - (TOKENS_PER_MESSAGE if row.turns else 0)


def _marks(row: Row) -> int:
    return TOKENS_PER_MESSAGE * row.turns + TOKENS_PER_CONVERSATION if row.conversational else 1


def lengths_file(data_sha256: str, tokenizer: str) -> Path:
    """Where the count for this data and this tokenizer is kept."""
    return home() / "lengths" / f"{data_sha256[:32]}-{tokenizer[:32]}.json"


def find_lengths(data_sha256: str, tokenizer: str, rows: int) -> Counted | None:
    """The kept count, or the one that ships with the sample data; None when there is none that fits exactly."""
    if not tokenizer:
        return None
    for path in (lengths_file(data_sha256, tokenizer), asset("sample", "lengths.json")):
        try:
            found = read_object(path, "lengths.file", limit=LIMIT_BYTES)
        except ProblemError:
            continue  # absent or damaged: a count is only a convenience, the estimate stands in
        if (found.get("schema"), found.get("data"), found.get("tokenizer")) == (SCHEMA, data_sha256, tokenizer):
            counted = Counted(_counts(found.get("lengths")), _counts(found.get("prompt_lengths")))
            if len(counted.lengths) == rows and len(counted.prompt_lengths) in (0, rows):
                return counted
    return None


def keep_lengths(data_sha256: str, tokenizer: str, lengths: Sequence[int], prompt_lengths: Sequence[int] = ()) -> Path:
    """Write a count where `find_lengths` looks for it, whole or not at all. Raises OSError."""
    path = lengths_file(data_sha256, tokenizer)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.part")
    aside.write_text(lengths_json(data_sha256, tokenizer, lengths, prompt_lengths), encoding="utf-8")
    aside.replace(path)
    return path


def lengths_json(data_sha256: str, tokenizer: str, lengths: Sequence[int], prompt_lengths: Sequence[int] = ()) -> str:
    """The file's text."""
    value = {
        "schema": SCHEMA,
        "data": data_sha256,
        "tokenizer": tokenizer,
        "lengths": list(lengths),
        "prompt_lengths": list(prompt_lengths),
    }
    return json.dumps(value) + "\n"


def _counts(value: object) -> tuple[int, ...]:
    if isinstance(value, list) and all(type(n) is int and 0 <= n < 2**40 for n in value):
        return tuple(value)
    return ()
