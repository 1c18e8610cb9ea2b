"""The first batch as tokenised, in words and marked pieces: which tokens count in the loss, which are masked. Qt-free.

A worker makes it, with the model's own tokenizer and the trainer's own collator; nothing here tokenises anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.widgets.marks import Mark
from planner.plan import Plan
from planner.run.results import BatchRow, BatchToken, FirstBatch

SHOWN_TOKENS = 2000
_SPECIAL = re.compile(r"<[^\s<>]+>")
_VISIBLE = str.maketrans({"\n": "⏎\n", "\t": "⇥", "\r": "␍"})


@dataclass(frozen=True)
class BatchLine:
    """One row of the list. pieces: what is read of it, every second one on a ground. said: the same as plain text, masked runs in brackets."""

    number: int
    tokens: int
    in_loss: int
    padding: int
    was_cut: bool
    pieces: tuple[tuple[str, Mark, bool], ...]
    said: str

    @property
    def words(self) -> str:
        told = f"Row {self.number:,} · {self.in_loss:,} of {self.tokens:,} count"
        told += " · its end is cut" if self.was_cut else ""
        return told


def refused(plan: Plan) -> str:
    """Why this plan's first batch cannot be made; empty where it can."""
    if not plan.data.path:
        return "The rows are not on this computer."
    if not plan.model.path:
        return "The model's folder with its tokenizer is not on this computer."
    return ""


def asked_of(plan: Plan) -> tuple[object, ...]:
    """What a first batch depends on: another of these and what is shown is of an earlier plan."""
    schedule, data = plan.stage.schedule, plan.data
    return (plan.model.path, plan.model.tokenizer, data.sha256, data.mapping.form, data.mapping.columns, schedule)


def headline(found: FirstBatch) -> str:
    """`4 rows × 318 tokens: 1,012 count in the loss, 148 are masked, 112 are padding.`"""
    tokens = [token for row in found.rows for token in row.tokens]
    padding = sum(token.padding for token in tokens)
    counting = sum(token.in_loss for token in tokens)
    masked = len(tokens) - padding - counting
    rows = "1 row" if len(found.rows) == 1 else f"{len(found.rows):,} rows"
    told = f"{rows} × {found.seq:,} tokens: {counting:,} count in the loss, {masked:,} masked, {padding:,} padding."
    if found.cut:
        told += f" {len(found.cut):,} cut at {found.length:,}."
    return told if found.certain else f"{told} Chosen by the lengths that are known; not every row was prepared."


def lines(found: FirstBatch) -> tuple[BatchLine, ...]:
    return tuple(_line(row, row.number in found.cut) for row in found.rows)


def _line(row: BatchRow, was_cut: bool) -> BatchLine:
    real = [token for token in row.tokens if not token.padding]
    padding = len(row.tokens) - len(real)
    pieces = [(shown(token), mark_of(token), bool(place % 2)) for place, token in enumerate(real[:SHOWN_TOKENS])]
    if len(real) > SHOWN_TOKENS:
        pieces.append((f"\n… and {len(real) - SHOWN_TOKENS:,} tokens more", Mark.HEADING, False))
    if padding:
        pieces.append((f"\n+ {padding:,} of padding", Mark.HEADING, False))
    in_loss = sum(token.in_loss for token in real)
    return BatchLine(row.number, len(real), in_loss, padding, was_cut, tuple(pieces), as_text(row))


def mark_of(token: BatchToken) -> Mark:
    special = bool(_SPECIAL.fullmatch(token.text.strip()))
    if token.in_loss:
        return Mark.SPECIAL if special else Mark.PLAIN
    return Mark.MASKED_SPECIAL if special else Mark.MASKED


def shown(token: BatchToken) -> str:
    """A token's text with what would not be seen made visible."""
    return token.text.translate(_VISIBLE) or f"⟨{token.id}⟩"


def as_text(row: BatchRow) -> str:
    """Plain text: runs of masked tokens stand in [masked: …]."""
    out, run = [], ""
    for token in row.tokens:
        if token.padding:
            continue
        if token.in_loss and run:
            out.append(f"[masked: {run}]")
            run = ""
        if token.in_loss:
            out.append(token.text)
        else:
            run += token.text
    return "".join(out) + (f"[masked: {run}]" if run else "")
