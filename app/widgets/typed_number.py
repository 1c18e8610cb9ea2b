"""A number as people type it, with a point or a comma; what could be read in two ways is none. Qt-free."""

from __future__ import annotations

import re

WHOLE = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)")
REAL = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")
EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
"""A comma between thousands or before decimals: nobody can tell which, so it is refused where both could be meant."""


def number_in(text: str, *, whole: bool) -> float | None:
    """What a person typed, None where it is no number or could be two: one comma is the point of a real number, commas
    between thousands are taken in whole ones only."""
    plain = text.strip().replace("−", "-")
    if whole:
        return float(plain.replace(",", "")) if WHOLE.fullmatch(plain) else None
    if not REAL.fullmatch(plain) or EITHER.fullmatch(plain):
        return None
    return float(plain.replace(",", "."))
