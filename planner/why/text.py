"""A pasted text, made readable: without colours, log prefixes and secrets, one entry a line.

Everything else in this room reads what this returns, so a token that somebody pasted is gone before anything is read,
quoted or stored. It understands nothing of what the text says. Each expression runs in time linear in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from planner.key_shapes import KNOWN_KEY

MOST_AT_THE_START, MOST_AT_THE_END = 1_000_000, 3_000_000  # characters: commands stand first, errors last
LONGEST_LINE = 20_000
MOST_PREFIXES = 5
HIDDEN = "(hidden)"

_ESCAPES = re.compile(r"\x1b\[[0-9;?]{0,40}[ -/]{0,4}[@-~]|\x1b\][^\x07\x1b\n]{0,400}(?:\x07|\x1b\\)?|\x1b.?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u2028-\u202e\ufeff]")
_TIME = r"\[?\d{2,4}[-/]\d{2}(?:[-/]\d{2,4})?[T _]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?Z?(?:[+-]\d{2}:?\d{2})?\]?"
_LEVEL = r"(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL)"
_PREFIX = re.compile(
    r"\s{0,8}(?:"
    r">\s?"  # a quotation
    r"|\[(?:rank|default|local_rank|worker)?[ _]?\d{1,5}\]:\s?"  # [rank0]: of torchrun
    r"|\((?:[A-Za-z_][\w.-]{0,60}\s)?pid=\d{1,10}[^)\n]{0,60}\)\s?"  # (EngineCore_DP0 pid=12) of vLLM and Ray
    r"|(?:stderr|stdout)\s?[:|]\s?"
    rf"|{_TIME}\s?[|:-]*\s?(?:{_LEVEL}\s{{0,4}}[|:-]?\s?)?"
    rf"|{_LEVEL}\s{{1,8}}(?={_TIME})"
    rf"|{_LEVEL}\s{{0,8}}\|\s?"
    r"|\[[\w.-]{1,40}\.py:\d{1,6}\]\s?"
    r"|\|\s"
    r")"
)

# names whose value is one; a `per_token` or `eos_token` of source code is none
_NAMED = (
    r"(?<![a-z0-9])(?:(?:[a-z0-9]{1,24}[_-]){0,4}?(?:api[_-]?key|apikey|secret|password|passwd|access[_-]?key(?:[_-]id)?|credentials?)"
    r"|(?<![_-])(?:--?)?(?:(?:use_auth|hub|hf|huggingface|auth|access|api|bearer|github|gitlab|refresh|session|user|id)[_-])?token)"
)
_VARIABLE = r"(?<![A-Za-z0-9_])(?!(?:EOS|BOS|PAD|UNK)_)[A-Z][A-Z0-9_]{0,40}_(?:TOKEN|KEY)"
_THEN = r"['\"]?\s{0,3}(?:[=:]\s{0,3}|\s)['\"]?"
_VALUE = r"(?!\(hidden\))[^\s'\",;)\]}]{6,}"
_SECRETS = (
    (re.compile(KNOWN_KEY), HIDDEN),
    (re.compile(r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)[A-Za-z0-9+/=\s]{0,8000}"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)(\b(?:bearer|authorization:\s{0,4}basic)\s{1,4})[\w.~+/=-]{6,}"), rf"\1{HIDDEN}"),
    (re.compile(r"(://)[^\s/:@]{1,200}:[^\s/@]{1,400}@"), rf"\1{HIDDEN}@"),
    (re.compile(rf"(?i)({_NAMED}{_THEN}){_VALUE}"), rf"\1{HIDDEN}"),
    (re.compile(rf"({_VARIABLE}{_THEN}){_VALUE}"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)(\bwandb\s{1,4}login\s{1,4})\S{6,}"), rf"\1{HIDDEN}"),
    (re.compile(r"(?<![\w/-])[0-9a-f]{40}(?![\w/-])"), HIDDEN),  # a key of Weights & Biases, or a commit: no loss
)


def without_secrets(text: str) -> str:
    """The text with every token, key and password replaced by a word."""
    for found, instead in _SECRETS:
        text = found.sub(instead, text)
    return text


@dataclass(frozen=True)
class Text:
    """lines: without prefixes. squeezed: all of them without any white space, in lower case, because terminals break
    lines in the middle of words; positions in it are turned back into numbers of lines by `line_at`."""

    lines: tuple[str, ...]

    @cached_property
    def _squeezed_lines(self) -> list[str]:
        return ["".join(line.split()).lower() for line in self.lines]

    @cached_property
    def squeezed(self) -> str:
        return "".join(self._squeezed_lines)

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [], 0
        for line in self._squeezed_lines:
            starts.append(at)
            at += len(line)
        return starts

    def line_at(self, position: int) -> int:
        """The number of the line that holds this position of `squeezed`."""
        return max(0, bisect_right(self._starts, position) - 1)


def read(pasted: str) -> Text:
    """Any text at all, as lines. What is far too long loses its middle."""
    if len(pasted) > MOST_AT_THE_START + MOST_AT_THE_END:
        pasted = pasted[:MOST_AT_THE_START] + "\n" + pasted[-MOST_AT_THE_END:]
    pasted = without_secrets(_CONTROL.sub("", _ESCAPES.sub("", pasted)))
    return Text(tuple(_without_prefix(line.rstrip()) for line in in_lines(pasted)))


def in_lines(text: str) -> list[str]:
    """The lines of a text from any system, those that are far too long in pieces: a log may be one line of megabytes."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [line[at : at + LONGEST_LINE] for line in lines for at in range(0, max(1, len(line)), LONGEST_LINE)]


def _without_prefix(line: str) -> str:
    for _ in range(MOST_PREFIXES):
        found = _PREFIX.match(line)
        if found is None:
            break
        line = line[found.end() :]
    return line
