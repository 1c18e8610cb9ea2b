"""From a row as it stands in the file to the row that is trained on: messages, prompt and completion, or text.

One rule for everybody: planning, counting, training, the proof and an export all see the rows made here. A row that
cannot be made is a sentence. Rows of an `exact` JSONL file are taken as they stand, so that a script that reads the file
itself sees the same.
"""

from __future__ import annotations

import json
import re
from typing import Any

from planner.facts.mapping import CHATML, TRAINED_AS, Mapping
from planner.facts.rows import COLUMNS, Row, check_row

# the prompts that Alpaca was published with, at github.com/tatsu-lab/stanford_alpaca (train.py, PROMPT_DICT)
WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:"
)
WITHOUT_INPUT = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Response:"
)
SPEAKERS = {
    "human": "user", "user": "user", "gpt": "assistant", "chatgpt": "assistant", "assistant": "assistant",
    "bot": "assistant", "model": "assistant", "system": "system", "tool": "tool", "observation": "tool",
}  # fmt: skip
LAST_ANSWER = "\n\nAssistant:"  # how Anthropic's published preference pairs mark whose turn it is
_TURN = re.compile(r"<\|im_start\|>([a-z]+)\n(.*?)(?:<\|im_end\|>|(?=<\|im_start\|>)|\Z)", re.DOTALL)


def canonical(value: Any, mapping: Mapping, *, as_it_stands: bool = False) -> tuple[dict[str, Any], Row] | str:
    """(what is trained on, what is known of it), or the sentence that says what is wrong."""
    if not isinstance(value, dict):
        return "it is not a JSON object"
    form = TRAINED_AS[mapping.form]
    made = value if as_it_stands else _MAKERS[mapping.form](value, mapping)
    if isinstance(made, str):
        return made
    row = check_row(made, form)
    if isinstance(row, str):
        return row
    return {column: made[column] for column in COLUMNS[row.form]}, row


def _value(row: dict[str, Any], mapping: Mapping, role: str) -> Any:
    column = mapping.column(role)
    return row.get(column) if column else None


def _text(value: Any) -> Any:
    """A figure is trained on as Python writes it; true, false and everything else are left for the check to name."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _missing(mapping: Mapping, role: str) -> str:
    return f"its {mapping.column(role) or role} is missing"


def _messages(row: dict[str, Any], mapping: Mapping) -> dict[str, Any] | str:
    value = _value(row, mapping, "messages")
    if value is None:
        return _missing(mapping, "messages")
    return {"messages": _said(value)}


def _sharegpt(row: dict[str, Any], mapping: Mapping) -> dict[str, Any] | str:
    value = _value(row, mapping, "conversations")
    if value is None:
        return _missing(mapping, "conversations")
    messages = _said(value)
    system = _value(row, mapping, "system")
    if isinstance(system, str) and system.strip() and isinstance(messages, list):
        messages = [{"role": "system", "content": system}, *messages]
    return {"messages": messages}


def _alpaca(row: dict[str, Any], mapping: Mapping) -> dict[str, Any] | str:
    instruction, given, output = (_text(_value(row, mapping, role)) for role in ("instruction", "input", "output"))
    for role, part in (("instruction", instruction), ("output", output)):
        if not isinstance(part, str) or not part.strip():
            return f"its {mapping.column(role)} is {'empty' if isinstance(part, str) else 'not text'}"
    if given is not None and not isinstance(given, str):
        return f"its {mapping.column('input')} is not text"
    if given and given.strip():
        return {"prompt": WITH_INPUT.format(instruction=instruction, input=given), "completion": output}
    return {"prompt": WITHOUT_INPUT.format(instruction=instruction), "completion": output}


def _prompt_completion(row: dict[str, Any], mapping: Mapping) -> dict[str, Any] | str:
    prompt, completion = _value(row, mapping, "prompt"), _value(row, mapping, "completion")
    if prompt is None or completion is None:
        return _missing(mapping, "prompt" if prompt is None else "completion")
    return {"prompt": _text_or_list(prompt), "completion": _text_or_list(completion)}


def _preference(row: dict[str, Any], mapping: Mapping) -> dict[str, Any] | str:
    """The chosen answer. Where it is a whole conversation, its last answer; the rest is the prompt."""
    prompt = _text_or_list(_value(row, mapping, "prompt"))
    chosen = _text_or_list(_value(row, mapping, "chosen"))
    if chosen is None:
        return _missing(mapping, "chosen")
    if isinstance(chosen, list):
        if len(chosen) > 1:
            return {"prompt": chosen[:-1], "completion": chosen[-1:]}
        asked = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        return {"prompt": asked or [], "completion": chosen}
    if not isinstance(chosen, str):
        return {"prompt": prompt, "completion": chosen}
    if prompt is not None:
        if isinstance(prompt, list):
            return {"prompt": prompt, "completion": [{"role": "assistant", "content": chosen}]}
        return {"prompt": prompt, "completion": chosen.removeprefix(prompt)}
    at = chosen.rfind(LAST_ANSWER)
    if at < 0:
        return f"it has no prompt, and its {mapping.column('chosen')} does not tell where the answer begins"
    border = at + len(LAST_ANSWER)
    return {"prompt": chosen[:border], "completion": chosen[border:]}


def _plain(row: dict[str, Any], mapping: Mapping) -> dict[str, Any] | str:
    value = _value(row, mapping, "text")
    return _missing(mapping, "text") if value is None else {"text": _text(value)}


_MAKERS = {
    "messages": _messages,
    "sharegpt": _sharegpt,
    "alpaca": _alpaca,
    "prompt_completion": _prompt_completion,
    "preference": _preference,
    "text": _plain,
}


def _text_or_list(value: Any) -> Any:
    if type(value) is str:
        return value
    return _said(value) if isinstance(value, list) else _text(value)


def _said(value: Any) -> Any:
    """A conversation as a list of messages, where it is one: a list, a list written as JSON, or ChatML."""
    if isinstance(value, str):
        if CHATML in value:
            turns = _TURN.findall(value)
            beside = _TURN.sub("", value).strip()  # text outside of any turn would be lost
            return value if beside else [{"role": role, "content": content} for role, content in turns if content]
        if not value.lstrip().startswith("["):
            return value
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value
    return [_message(part) for part in value] if isinstance(value, list) else value


def _message(part: Any) -> Any:
    """role and content, whatever they are called; what else a message holds is left out."""
    if not isinstance(part, dict):
        return part
    role = part.get("role") if part.get("role") is not None else part.get("from")
    content = part.get("content") if part.get("content") is not None else part.get("value")
    return {"role": SPEAKERS.get(role, role) if isinstance(role, str) else role, "content": content}
