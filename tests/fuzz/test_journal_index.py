"""Lines of any bytes are found where they are, by both paths alike, and each can be read, shown and searched for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pages.run.log_lines import EVERYTHING
from app.pages.run.log_model import in_words
from app.pages.run.log_search import Asked, search
from planner.problem import Problem
from planner.run import journal_index, layout
from planner.run.journal import read_all
from planner.run.journal_index import JournalIndex
from planner.run.journal_look import first_look
from tests.fuzz import CASES
from tests.fuzz.damaged import JOURNAL


@given(JOURNAL, st.sampled_from([60, 200, 5000]))
@settings(max_examples=CASES, deadline=None)
def test_lines_of_any_bytes_are_found_and_shown(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, chunk: int
) -> None:
    run_dir = tmp_path_factory.getbasetemp() / "fuzzed-index"
    run_dir.mkdir(exist_ok=True)
    (run_dir / layout.EVENTS).write_bytes(data)
    index = JournalIndex(run_dir)
    assert index.extend(over=True) is None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(journal_index, "FEW_BYTES", 0)
        patched.setattr(journal_index, "CHUNK_BYTES", chunk)
        quick = JournalIndex(run_dir)
        quick.extend(over=True)
    assert (quick.starts, quick.kinds) == (index.starts, index.kinds)
    whole = read_all(run_dir, over=True)
    found = index.events(range(len(index)))
    assert repr([e for e in found if not isinstance(e, Problem)]) == repr(list(whole.events))
    assert [e for e in found if isinstance(e, Problem)] == list(whole.problems)
    words = in_words(index, list(range(len(index))))
    assert len(words) == len(index)
    assert all("\n" not in text for text in words)
    hits: list[int] = []
    search(index, 0, len(index), Asked(EVERYTHING, "e"), lambda lines, _at: hits.extend(lines), lambda: True)
    assert hits == [n for n, text in enumerate(words) if "e" in text.casefold()]
    chosen = first_look(index, whole_lines=0, groups=2, in_group=2, latest=2, readings=2)
    assert chosen.looked_at <= chosen.of
