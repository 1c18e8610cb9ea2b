"""The file of machines that a person described: whatever stands in it, an entry is a computer or none."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from app.other_machines import from_text, text_of
from tests.fuzz import CASES

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(("card", "count", "ram_gib", "disk_gib", "name", "x")), inner, max_size=6)
    ),
    max_leaves=12,
)


@settings(max_examples=CASES)
@given(st.one_of(JSON.map(json.dumps), st.text(max_size=60)))
def test_whatever_is_kept_is_a_machine_or_none(text: str) -> None:
    found = from_text(text)
    if found is not None:
        assert found.facts().devices
        assert from_text(text_of(found)) == found
