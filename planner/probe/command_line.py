"""What of another process's command line may be shown: shortened, without folders, and with what looks like a secret masked.

People give tokens and passwords as arguments, and a list of processes ends up in screenshots. Masking too much costs a
glance, masking too little costs an account, so in doubt it is masked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from planner.key_shapes import KNOWN_KEY

SHOWN_LETTERS = 110
MASK = "•••"

_WORDS = "token|secret|pass[a-z]*|pwd|key|apikey|credentials?|auth|bearer"
_SECRET_NAME = re.compile(rf"(?:^|[-_.])(?:{_WORDS})(?:$|[-_.])|[a-z](?:Token|Key|Secret|Password)$", re.IGNORECASE)
_KNOWN_SECRET = re.compile(KNOWN_KEY)
_USER_IN_ADDRESS = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY = re.compile(r"(?<=\?)\S+")
_LONG_WORD = re.compile(r"[A-Za-z0-9+/_=\-]{20,}")


def shown_command(words: Sequence[str]) -> str:
    """One line of at most `SHOWN_LETTERS` letters."""
    shown: list[str] = []
    hide_next = False
    for word in words:
        name, sign, _value = word.partition("=")
        secret = bool(_SECRET_NAME.search(name))
        if hide_next and not word.startswith("--"):
            shown.append(MASK)
        elif sign and secret:
            shown.append(f"{name}={MASK}")
        else:
            shown.append(_masked(word))
        hide_next = secret and word.startswith("-") and not sign
    text = " ".join(" ".join(shown).split())
    return text if len(text) <= SHOWN_LETTERS else f"{text[: SHOWN_LETTERS - 1]}…"


def _masked(word: str) -> str:
    if "://" in word:
        word = _QUERY.sub(MASK, _USER_IN_ADDRESS.sub(f"{MASK}@", word))
    elif word.startswith(("/", "~", "./", "../")):
        word = word.rstrip("/").rsplit("/", 1)[-1]  # where it lies tells who it is, not what it does
    word = _KNOWN_SECRET.sub(MASK, word)
    return _LONG_WORD.sub(lambda found: MASK if _looks_random(found[0]) else found[0], word)


def _looks_random(word: str) -> bool:
    """Digits and letters through each other, as no date, option or name of a model has them."""
    changes = sum((a.isdigit() and b.isalpha()) or (a.isalpha() and b.isdigit()) for a, b in pairwise(word))
    return sum(c.isdigit() for c in word) >= 4 and changes >= 6
