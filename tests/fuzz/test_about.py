"""Whatever stands in about.json, it is read or told, and never endless."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.problem import ProblemError
from planner.run import about
from planner.run.about import ABOUT, About
from tests.fuzz import CASES

LONGEST_MS = 5_000  # of one case, on a machine that does much else; a hang takes longer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(("name", "tags", "note", "x")), inner),
    max_leaves=8,
)


@settings(max_examples=CASES, deadline=LONGEST_MS)
@given(st.binary(max_size=400) | JSON.map(lambda v: repr(v).replace("'", '"').encode(errors="surrogatepass")))
def test_any_bytes_are_read_or_told(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / ABOUT).write_bytes(data)
        found, code = opened(Path(folder))
    assert code == "run.about_damaged" if found is None else found == about.tidy(found)


def opened(folder: Path) -> tuple[About | None, str]:
    try:
        return about.read(folder), ""
    except ProblemError as error:
        return None, error.problem.code


@settings(max_examples=CASES, deadline=LONGEST_MS)
@given(st.text(max_size=300), st.lists(st.text(max_size=60), max_size=50), st.text(max_size=400))
def test_what_is_written_is_what_is_read(name: str, tags: list[str], note: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written = about.write(Path(folder), About(name, tuple(tags), note))
        assert about.read(Path(folder)) == written
        assert len(written.tags) <= about.MOST_TAGS
        assert len(set(written.tags)) == len(written.tags)
        assert all(tag.isprintable() and tag == tag.strip() and tag for tag in written.tags)
