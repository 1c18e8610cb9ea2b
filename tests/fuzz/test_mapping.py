"""Any mapping over any rows: a canonical row or a sentence; and a guess that says what it is."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.canonical import canonical
from planner.facts.mapping import FORMS, ROLES, TRAINED_AS, Mapping, data_key, fault_of, guess, mapping_of
from planner.facts.rows import COLUMNS, check_row
from planner.problem import Problem
from tests.fuzz import CASES
from tests.fuzz.row_files import VALUES, outcome

NAMES = st.sampled_from(
    ["prompt", "completion", "messages", "conversations", "instruction", "output", "chosen", "text", "a"]
)
ROW = st.dictionaries(NAMES | st.text(max_size=4), VALUES | st.sampled_from(
    [[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "<|im_start|>user\nq<|im_end|>",
     [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}], '[{"role": "assistant", "content": "a"}]',
     "\n\nHuman: q\n\nAssistant: a"]
), max_size=5)  # fmt: skip


@st.composite
def mappings(draw: st.DrawFn) -> Mapping:
    form = draw(st.sampled_from(FORMS))
    roles = [r.name for r in ROLES[form] if r.required or draw(st.booleans())]
    return Mapping(form, tuple((role, draw(NAMES)) for role in roles))


@settings(max_examples=CASES, deadline=None)
@given(row=ROW | VALUES, mapping=mappings(), as_it_stands=st.booleans())
def test_a_row_is_made_or_its_fault_is_a_sentence(row: Any, mapping: Mapping, as_it_stands: bool) -> None:
    found = canonical(row, mapping, as_it_stands=as_it_stands and mapping.exact)
    if isinstance(found, str):
        assert found
    elif not (as_it_stands and mapping.exact):
        assert found[1].form == TRAINED_AS[mapping.form]
        assert tuple(found[0]) == COLUMNS[found[1].form]
        assert check_row(found[0], found[1].form) == found[1], "a canonical row is its own canonical row"


@settings(max_examples=CASES, deadline=None)
@given(rows=st.lists(ROW, max_size=4))
def test_a_guess_can_be_read_with_or_says_nothing(rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    found = guess(columns, rows)
    if found.form:
        assert not fault_of(found, columns)
        assert found.guessed or all(role == column for role, column in found.columns)
    else:
        assert found == Mapping()


@settings(max_examples=CASES, deadline=None)
@given(said=st.lists(st.text(max_size=12) | st.tuples(NAMES, st.text(max_size=4)).map("=".join), max_size=4))
def test_words_become_a_mapping_or_a_problem(said: list[str]) -> None:
    found = outcome(lambda: mapping_of(said))
    if isinstance(found, Problem):
        assert found.code == "data.mapping"
        return
    assert not found.form or not fault_of(found)
    assert (data_key("x", found) == "x") == (found.exact or not found.form)
