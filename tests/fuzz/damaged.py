"""Lines of a journal as they may be found: whole, cut, with bytes changed, of other programs, and random ones."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from planner.run.events import TYPES, encode
from tests.planner.run.test_journal import EVENTS

WHOLE = [encode(event).encode("utf-8", "surrogatepass") for event in EVENTS]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A whole line with fields taken away, added or of another kind."""
    fields = json.loads(draw(st.sampled_from(WHOLE)).decode("utf-8", "surrogatepass"))
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=3)):
        fields[name] = draw(VALUES)
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=2)):
        fields.pop(name, None)
    return json.dumps(fields).encode()


@st.composite
def cut(draw: st.DrawFn) -> bytes:
    line = draw(st.sampled_from(WHOLE))
    begin, end = draw(st.integers(0, len(line))), draw(st.integers(0, len(line)))
    return line[begin:] if begin > end else line[:end]


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """One byte is another; never a line end, which would make two lines."""
    line = bytearray(draw(st.sampled_from(WHOLE)))
    line[draw(st.integers(0, len(line) - 1))] = draw(st.integers(0, 255).filter(lambda n: n != 10))
    return bytes(line)


OTHERS = st.sampled_from(
    [
        *(f'{{"event": "{tag}", "time": 1.5}}'.encode() for tag in TYPES),
        b'{"event": "step", "time": ' + b"[" * 5000,
        b'{"event": "memory", "time": 1' + b"0" * 400 + b', "source": "process"}',
        b"NaN",
        b"{}",
        b"\x00" * 200,
    ]
)
LINE = st.one_of(
    st.sampled_from(WHOLE),
    changed(),
    cut(),
    spoiled(),
    OTHERS,
    st.binary(max_size=120).map(lambda b: b.replace(b"\n", b" ")),
)
JOURNAL = st.tuples(st.lists(LINE, max_size=12), st.sampled_from([b"", b"\n", b"\r\n"])).map(
    lambda parts: b"\n".join(parts[0]) + parts[1]
)
