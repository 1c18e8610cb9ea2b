"""Which model of the catalogue a name in a command means: the same id, the same shapes under another name, or none."""

from __future__ import annotations

import contextlib
import re
from functools import cache

from planner.facts.model import catalogue
from planner.facts.model.facts import ModelFacts
from planner.problem import ProblemError

# What follows a name and changes no shape: how it was tuned, who packed it, in which form it lies.
_ENDINGS = re.compile(
    r"[-_.](?:instruct|chat|hf|it|base|sft|dpo|unsloth|bnb|4bit|8bit|gptq|awq|int4|int8|gguf|fp8|fp16|bf16|preview|text|"
    r"v\d{1,2}(?:\.\d{1,2})?|\d{4}|1m|128k|distill)\Z"
)


def find_model(name: str) -> ModelFacts | None:
    """A catalogue model by id, alias, or the last part of a path; else one whose name differs only in what changes no
    shape (`-Instruct`, `-bnb-4bit`). None where the catalogue has nothing like it."""
    name = name.strip().rstrip("/\\")
    if not name or len(name) > 300:
        return None
    with contextlib.suppress(ProblemError):
        return catalogue.find(name)
    last = re.split(r"[/\\]", name)[-1].casefold()
    exact = _by_last().get(last)
    found = exact or _by_core().get(_core(last))
    return catalogue.find(found) if found else None


def _core(last: str) -> str:
    """The name without endings and without `meta-` before it."""
    last = last.casefold().removeprefix("meta-").split(" ")[0]
    while (shorter := _ENDINGS.sub("", last)) != last:
        last = shorter
    return last.replace("_", "-")


@cache
def _by_last() -> dict[str, str]:
    return {name.rsplit("/", 1)[-1].casefold(): name for name in reversed(catalogue.names())}


@cache
def _by_core() -> dict[str, str]:
    return {_core(name.rsplit("/", 1)[-1]): name for name in reversed(catalogue.names())}
