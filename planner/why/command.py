"""A command line that trains, found in a pasted text and taken apart: which program, which flags, who launched it.

Knows how shells and argparse write things: quotes, `--flag value`, `--flag=value`, bare flags, several values, lines
joined by \\, ^ or `, and a list as CalledProcessError prints it. It runs nothing, opens nothing that a command names, and gives no flag a
meaning; `planner.why.settings` does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from planner.assets import asset
from planner.why.text import Text

MOST_LINES = 400  # of one command
MOST_CANDIDATES = 200
MOST_TOKENS = 4000

LAUNCHERS = (
    "accelerate",
    "torchrun",
    "deepspeed",
    "python",
    "py",
    "uv",
    "poetry",
    "srun",
    "trl",
    "llamafactory-cli",
    "axolotl",
    "tune",
    "swift",
    "xtuner",
)
_START = re.compile(
    r"(?:^|[\s$#>;&|(!%`\"'/\\])"
    r"((?:accelerate-launch|accelerate|torchrun|deepspeed|python[\d.]{0,5}(?:\.exe)?|py|trl|llamafactory-cli|axolotl|tune|swift|xtuner)"
    r"(?=\s|$)[^\n]*)"
)
_CALLED = re.compile(r"Command '?\[('[^\n]{1,20000}')\]'? (?:returned|died)")
_FLAG = re.compile(r"(?s)--?([A-Za-z][\w.-]{0,80})(?:=(.*))?\Z")
_NUMBER = re.compile(r"-\d[\d.e+-]*\Z")
_TOKEN = re.compile(r"'([^'\n]*)'|\"((?:[^\"\\\n]|\\.)*)\"|\\(.)|([^\s'\"\\]+)|(\s+)|(.)", re.DOTALL)
_STOPS = frozenset({"&&", "||", ";", "|", ">", ">>", "2>&1", "2>", "&>", "&", "<"})


@dataclass(frozen=True)
class Command:
    """program: `trl sft`, or a script's name. launcher: what started it, empty where the program was called plainly.
    flags: with underscores, in order, each with its values (none for a bare flag); of_launcher: those before the script.
    words: positional words after the program."""

    program: str
    launcher: str
    flags: tuple[tuple[str, tuple[str, ...]], ...]
    of_launcher: tuple[tuple[str, tuple[str, ...]], ...] = ()
    words: tuple[str, ...] = ()

    def values(self, flag: str) -> tuple[str, ...] | None:
        """What was given last for this flag; None where it was not given."""
        return next((values for name, values in reversed(self.flags) if name == flag), None)


def read_command(text: Text) -> Command | None:
    """The command line that says most; None where there is none."""
    best: Command | None = None
    for tokens in _candidates(text):
        found = _command(tokens)
        if found is not None and (best is None or len(found.flags) > len(best.flags)):
            best = found
    return best


def _candidates(text: Text) -> Iterator[list[str]]:
    seen = 0
    lines = text.lines
    number = 0
    while number < len(lines) and seen < MOST_CANDIDATES:
        line = lines[number]
        if called := _CALLED.search(line):
            seen += 1
            yield re.findall(r"'([^']*)'", called[1])[:MOST_TOKENS]
        elif started := _START.search(line):
            whole, last = _joined(lines, number, started[1])
            seen += 1
            yield _tokens(whole)
            number = last
        number += 1


def _joined(lines: tuple[str, ...], number: int, first: str) -> tuple[str, int]:
    """The command with the lines that belong to it: joined ones, and ones that begin with a flag."""
    parts, line, last = [], first, number
    while True:
        stripped = line.rstrip()
        goes_on = stripped.endswith(("\\", "^", " `")) and not stripped.endswith("\\\\")
        parts.append(stripped[:-1] if goes_on else stripped)
        following = last + 1
        while goes_on and following < len(lines) and not lines[following].strip() and following < last + 3:
            following += 1
        if following >= len(lines) or len(parts) >= MOST_LINES:
            break
        after = lines[following].strip()
        if not goes_on and not (after.startswith("--") and _FLAG.match(after.split(None, 1)[0])):
            break
        if after.startswith("#"):  # a comment between joined lines ends nothing for a person
            after = "\\"
        line, last = after, following
    return " ".join(parts), last


def _tokens(line: str) -> list[str]:
    """Words as a shell makes them, but never an error: an open quotation mark is a character like any other."""
    words: list[str] = []
    word: list[str] = []
    begun = False
    for single, double, escaped, plain, space, other in _TOKEN.findall(line):
        if space:
            if begun:
                words.append("".join(word))
            word, begun = [], False
            if len(words) >= MOST_TOKENS:
                return words
            continue
        begun = True
        word.append(single or double or escaped or plain or (other if other not in "'\"" else ""))
    if begun:
        words.append("".join(word))
    return words


def _command(tokens: list[str]) -> Command | None:
    stop = next((i for i, t in enumerate(tokens) if t in _STOPS), len(tokens))
    tokens = [t for t in tokens[:stop] if t != "\\"]
    if not tokens:
        return None
    name = _base(tokens[0])
    if name in ("trl", "llamafactory-cli", "axolotl", "tune", "swift", "xtuner"):
        words = [t for t in tokens[1:3] if not t.startswith("-")]
        if not words:
            return None
        flags, further = _flags(tokens[2:])
        if not flags:
            return None  # a mention in prose
        return Command(f"{name} {words[0]}", "", flags, (), further)
    script = _script(tokens)
    if script is None:
        return None
    flags, words_after = _flags(tokens[script + 1 :])
    before, _ = _flags(tokens[1:script], _launcher_values())
    launched = [_base(t) for t in tokens[:script] if _base(t) in LAUNCHERS and _base(t) not in ("python", "py")]
    launcher = next(iter(launched), "")
    program = _base(tokens[script])
    if program == "trl" and words_after:  # python -m trl sft
        program, words_after = f"trl {words_after[0]}", words_after[1:]
    if not flags and not launcher:
        return None  # `python train.py` alone says nothing of a run
    return Command(program, "accelerate launch" if launcher == "accelerate" else launcher, flags, before, words_after)


@cache
def _launcher_values() -> frozenset[str]:
    """Options of a launcher that are followed by a value; all others before the script are bare."""
    return frozenset(json.loads(asset("why_flags.json").read_text(encoding="utf-8"))["launcher_values"])


def _base(token: str) -> str:
    name = token.replace("\\", "/").rsplit("/", 1)[-1]
    name = re.sub(r"(python|py)[\d.]{0,5}(\.exe)?\Z", r"\1", name)
    return "accelerate" if name == "accelerate-launch" else name


def _script(tokens: list[str]) -> int | None:
    """Where the script stands: the first word that ends in .py, or the module after -m of a program that is not a
    launcher itself."""
    for i, token in enumerate(tokens[1:60], start=1):
        if token.endswith(".py") and not token.startswith("-"):
            return i
        if tokens[i - 1] in ("-m", "--module") and not token.startswith("-"):
            if token.startswith(("torch.distributed", "accelerate.commands", "deepspeed")):
                continue
            return i
    return None


def _flags(
    tokens: list[str], takes_value: frozenset[str] | None = None
) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], tuple[str, ...]]:
    """Flags with their values, and the words that stand before the first flag. takes_value: only these have values."""
    flags: list[tuple[str, list[str]]] = []
    words: list[str] = []
    for token in tokens:
        told = None if _NUMBER.match(token) else _FLAG.match(token)
        if told is not None:
            flags.append((told[1].replace("-", "_"), [] if told[2] is None else [told[2]]))
        elif not flags:
            words.append(token)
        elif takes_value is None or flags[-1][0] in takes_value:
            flags[-1][1].append(token)
    return tuple((name, tuple(values)) for name, values in flags), tuple(words[:20])
