"""Whether a plan's rows should be counted, and the plan's data with the count that is kept of it. Qt-free; counts nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from planner.facts.data import DataFacts
from planner.facts.formats.open_rows import size_and_digest
from planner.facts.lengths import find_lengths
from planner.facts.mapping import data_key
from planner.facts.rows import PROMPT_COMPLETION
from planner.plan import Plan


def wanted(plan: Plan) -> bool:
    """Whether counting is possible and would tell more than is known."""
    model, data = plan.model, plan.data
    return bool(model.path and model.tokenizer and data.path) and data.lengths_from == "estimated"


def with_count(plan: Plan) -> DataFacts | None:
    """The plan's data with the count that is kept of it; None where its file is another now, or there is none. No row is read:
    that would take as long as it did the first time."""
    data = plan.data
    size, sha256 = size_and_digest(Path(data.path))
    kept = find_lengths(data_key(sha256, data.mapping), plan.model.tokenizer, data.rows)
    if (size, sha256) != (data.size_bytes, data.sha256) or kept is None:
        return None
    prompts = kept.prompt_lengths if data.form == PROMPT_COMPLETION else ()
    return replace(
        data, lengths=kept.lengths, prompt_lengths=prompts, lengths_from="counted", tokenizer=plan.model.tokenizer
    )
