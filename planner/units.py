"""Bytes and the words for them. GiB means 2**30 everywhere in the program; the decimal GB is never shown.

`Num` is a plain integer, or an int64 array when the same formulas are run over a grid of plans. Formulas may use
only `+ - * //` and `maximum`, so that both work.
"""

from __future__ import annotations

from typing import Any, TypeAlias

KIB = 1024
MIB = 1024**2
GIB = 1024**3

Num: TypeAlias = Any  # int, or a numpy int64 array; see the module docstring

BYTES_PER_ELEMENT = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1, "int64": 8, "bool": 1}


def maximum(a: Num, b: Num) -> Num:
    """Elementwise maximum of two `Num`; plain `max` for plain integers, no numpy import on that path."""
    if type(a) is int and type(b) is int:
        return a if a > b else b
    import numpy as np

    return np.maximum(a, b)


def words(n: int) -> str:
    """`1.42 GiB`, `512 MiB`, `3 KiB`, `17 B`: three significant places, binary units, sign kept."""
    sign, n = ("−" if n < 0 else ""), abs(int(n))
    if n >= GIB * 0.9995:
        return f"{sign}{n / GIB:.2f} GiB"
    if n >= MIB * 0.9995:
        return f"{sign}{n / MIB:.0f} MiB" if n >= 10 * MIB else f"{sign}{n / MIB:.1f} MiB"
    if n >= KIB:
        return f"{sign}{n / KIB:.0f} KiB"
    return f"{sign}{n} B"
