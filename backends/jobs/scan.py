"""Counts the tokens of each row as TRL's SFTTrainer will make them: same tokenizer, same template, same end mark.

Rows are counted whole; cutting them at a length is the plan's business. Needs no weights and no trainer.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from backends.failure import first_line
from backends.meter import Meter
from backends.report import Report
from planner.atomic_file import write_atomically
from planner.facts.lengths import keep_lengths, lengths_json
from planner.facts.mapping import data_key
from planner.facts.model.folder import read_folder
from planner.facts.read_data import read_data, rows
from planner.problem import fail
from planner.run import events, layout
from planner.run.jobs import ScanSpec

TELL_EVERY_S = 0.3


def run(spec: ScanSpec, report: Report, meter: Meter) -> events.Finished:
    """Raises ProblemError `model.*`, `data.*` (every faulty row with its number)."""
    report.started()
    meter.start()
    report.phase("check", Path(spec.data).name)
    model, data = read_folder(spec.model), read_data(spec.data, mapping=spec.mapping)
    report.phase("load", "tokenizer")
    from transformers import AutoTokenizer  # only now: it takes seconds, and a faulty row is told at once

    tokenizer = AutoTokenizer.from_pretrained(spec.model, local_files_only=True, trust_remote_code=False)
    lengths: list[int] = []
    prompt_lengths: list[int] = []
    told = 0.0
    for number, row in enumerate(rows(spec.data, data.mapping), start=1):
        if time.monotonic() - told > TELL_EVERY_S:
            told = time.monotonic()
            report.phase("count", f"{number:,} of {data.rows:,} rows")
        try:
            length, prompt = tokens_of_row(tokenizer, row)
        except Exception as error:  # a template is a program of the model's maker: it may raise anything
            raise fail(
                "data.template",
                f"Row {number:,} of {data.name} does not go through the model's chat template: {first_line(error)}",
                "Mend the row, for example the order of its roles, or choose another model.",
            ) from error
        lengths.append(length)
        if prompt is not None:
            prompt_lengths.append(prompt)
    counted = (data_key(data.sha256, data.mapping), model.tokenizer, lengths, prompt_lengths)
    result = report.run_dir / layout.LENGTHS
    write_atomically(result, lengths_json(*counted).encode())
    try:
        keep_lengths(*counted)
    except OSError as error:
        report.note(f"The count could not be kept for later plans: {error.strerror}.", "warning")
    text = f"{len(lengths):,} rows, {sum(lengths):,} tokens, the longest row {max(lengths):,}."
    return report.ending(str(result), "", text)


def tokens_of_row(tokenizer: Any, row: dict[str, Any]) -> tuple[int, int | None]:
    """(tokens of the whole row, tokens of its prompt or None), as SFTTrainer's preparation makes them."""
    if "messages" in row:
        return len(_ids(tokenizer, row["messages"])), None
    end = tokenizer.eos_token
    if "text" in row:
        return len(_ids(tokenizer, _ended(row["text"], end))), None
    prompt, completion = row["prompt"], row["completion"]
    if isinstance(prompt, str):
        whole = _ids(tokenizer, prompt + _ended(completion, end))
        alone = _ids(tokenizer, prompt)
    else:
        whole = _ids(tokenizer, prompt + completion)
        alone = _ids(tokenizer, prompt, add_generation_prompt=True)
    # the completion begins where the two part, which tokens merging over the border may move into the prompt
    common = next(
        (i for i, (a, b) in enumerate(zip(alone, whole, strict=False)) if a != b), min(len(alone), len(whole))
    )
    return len(whole), common


def _ended(text: str, end: str) -> str:
    return text if text.endswith(end) else text + end


def _ids(tokenizer: Any, text: str | list[dict[str, Any]], **keywords: Any) -> list[int]:
    if isinstance(text, str):
        return list(tokenizer(text=text)["input_ids"])
    return list(tokenizer.apply_chat_template(text, tokenize=True, return_dict=True, **keywords)["input_ids"])
