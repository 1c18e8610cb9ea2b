"""What lies in a run's inbox is a command or a problem, whatever it is, and is taken away once."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.run import inbox, layout
from tests.fuzz import CASES
from tests.fuzz.damaged import VALUES

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda name: not name.startswith(".") and len(name.encode()) < 200
)
COMMAND = st.fixed_dictionaries(
    {}, optional={"verb": st.sampled_from(inbox.VERBS) | VALUES, "say": VALUES, "more": VALUES}
)
CONTENT = st.one_of(st.binary(max_size=200), COMMAND.map(lambda c: json.dumps(c).encode()), st.just(b"[" * 70_000))


@given(st.dictionaries(NAMES, CONTENT, max_size=5))
@settings(max_examples=CASES, deadline=None)
def test_an_inbox_of_any_files_is_emptied(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    run_dir = tmp_path_factory.getbasetemp() / "fuzzed-inbox"
    folder = run_dir / layout.INBOX
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    there = sorted(os.listdir(folder))  # noqa: PTH208 - as the reader lists it
    commands, problems = inbox.take(run_dir)
    assert len(commands) + len(problems) == len(there)
    assert all(c.verb in inbox.VERBS and isinstance(c.say, str) for c in commands)
    assert all(p.code == "inbox.not_a_command" for p in problems)
    assert inbox.waiting(run_dir) == []
    assert not any(folder.iterdir())
