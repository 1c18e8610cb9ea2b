"""What a training row must look like, one row at a time: messages, prompt and completion, or plain text.

Every fault is a sentence about one row. Nothing here knows files; `read_data` numbers the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ROLES = ("system", "user", "assistant", "tool")
MESSAGES = "messages"
PROMPT_COMPLETION = "prompt_completion"
TEXT = "text"
COLUMNS = {MESSAGES: ("messages",), PROMPT_COMPLETION: ("prompt", "completion"), TEXT: ("text",)}
"""What a row of each form holds that is trained on."""
BEGINNING = 200  # characters of a plain text that stand for a question
HALF = "half a character (an escape such as \\ud800 without its other half)"


@dataclass(frozen=True, slots=True)
class Row:
    """One sound row. form: messages, prompt_completion or text. conversational: its texts are message lists.

    text_bytes: of all its texts in UTF-8; prompt_bytes: of those before the last answer; turns: messages in it;
    question: the first thing a user asks in it, or how a text begins.
    """

    form: str
    conversational: bool
    text_bytes: int
    prompt_bytes: int
    turns: int
    question: str


def check_row(value: Any, form: str = "") -> Row | str:
    """The row, or the sentence that says what is wrong with it. form: which to take of a row that could be several."""
    if not isinstance(value, dict):
        return "it is not a JSON object"
    if form == TEXT and "text" in value:
        return _text_row(value["text"])
    if "messages" in value and form != PROMPT_COMPLETION:
        return _messages_row(value["messages"])
    if "prompt" in value or "completion" in value:
        return _prompt_completion_row(value.get("prompt"), value.get("completion"))
    if "messages" in value:
        return _messages_row(value["messages"])
    keys = ", ".join(sorted(map(str, value))[:5]) or "nothing"
    wanted = {TEXT: "no text", MESSAGES: "no messages", PROMPT_COMPLETION: "neither prompt nor completion"}
    return f"it has {wanted.get(form, 'neither messages nor prompt and completion')}, but {keys[:120]}"


def _text_row(text: Any) -> Row | str:
    if not isinstance(text, str):
        return f"its text is {_kind(text)}, not text"
    if not text.strip():
        return "its text is empty"
    if _halved(text):
        return f"its text holds {HALF}"
    return Row(TEXT, False, _bytes(text), 0, 0, text.strip()[:BEGINNING])


def _messages_row(messages: Any) -> Row | str:
    fault = _messages_fault(messages, "messages")
    if fault:
        return fault
    if not any(m["role"] == "assistant" for m in messages):
        return "its messages hold no answer of the assistant"
    sizes = [_bytes(m["content"]) for m in messages]
    answered = next((i for i in reversed(range(len(messages))) if messages[i]["role"] == "assistant"), 0)
    return Row(MESSAGES, True, sum(sizes), sum(sizes[:answered]), len(messages), _question(messages))


def _prompt_completion_row(prompt: Any, completion: Any) -> Row | str:
    if isinstance(prompt, str) and isinstance(completion, str):
        if not prompt.strip() or not completion:
            return "its prompt or its completion is empty"
        if _halved(prompt) or _halved(completion):
            return f"its prompt or its completion holds {HALF}"
        return Row(PROMPT_COMPLETION, False, _bytes(prompt) + _bytes(completion), _bytes(prompt), 0, prompt)
    if isinstance(prompt, list) and isinstance(completion, list):
        fault = _messages_fault(prompt, "prompt") or _messages_fault(completion, "completion")
        if fault:
            return fault
        before, after = (sum(_bytes(m["content"]) for m in part) for part in (prompt, completion))
        return Row(PROMPT_COMPLETION, True, before + after, before, len(prompt) + len(completion), _question(prompt))
    for name, part in (("prompt", prompt), ("completion", completion)):
        if not isinstance(part, str | list):
            return f"its {name} is {_kind(part)}, not text or a list of messages"
    return "its prompt and its completion are of two kinds, one text and one a list of messages"


def _messages_fault(messages: Any, name: str) -> str:
    """What is wrong with a list of messages; empty when nothing is."""
    if not isinstance(messages, list) or not messages:
        return f"its {name} is {_kind(messages)}, not a list of messages" if messages != [] else f"its {name} is empty"
    for i, message in enumerate(messages, start=1):
        if not isinstance(message, dict):
            return f"message {i} of its {name} is {_kind(message)}, not an object with role and content"
        role, content = message.get("role"), message.get("content")
        if role not in ROLES:
            said = "no role" if role is None else f"the role {role!r:.40}"
            return f"message {i} of its {name} has {said}; known are {', '.join(ROLES)}"
        if not isinstance(content, str):
            return f"the content of message {i} of its {name} is {_kind(content)}, not text"
        if _halved(content):
            return f"the content of message {i} of its {name} holds {HALF}"
    return ""


def _question(messages: list[dict[str, Any]]) -> str:
    return next((str(m["content"]) for m in messages if m["role"] == "user"), "")


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _halved(text: str) -> bool:
    """JSON can name half of a character (a lone surrogate such as \\ud800), which no tokenizer can read."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return "missing" if value is None else names.get(type(value), "something else")
