"""What `sysctl` and `vm_stat` print, cut, mixed and made up: figures that make sense, or none."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.probe.apple import SYSCTL, from_texts
from planner.probe.machine import assemble
from tests.fixtures import machines
from tests.fuzz import CASES

VM_STAT, KEYS = machines.text("vm_stat-intel-mac.txt"), machines.text("sysctl-apple-silicon.txt")
LINES = st.one_of(
    st.sampled_from(VM_STAT.splitlines() + KEYS.splitlines()),
    st.builds("{}: {}".format, st.sampled_from(SYSCTL), st.one_of(st.integers().map(str), st.text(max_size=20))),
    st.builds("{}: {}.".format, st.sampled_from(["Anonymous pages", "Pages wired down"]), st.integers().map(str)),
    st.text(max_size=60),
)
TEXTS = st.lists(LINES, max_size=30).map("\n".join)


@settings(max_examples=CASES, deadline=None)
@given(TEXTS, TEXTS, st.booleans())
def test_any_output_is_figures_that_make_sense_or_none(sysctl: str, vm_stat: str, silicon: bool) -> None:
    told = from_texts(sysctl, vm_stat, silicon=silicon)
    assert told.get("ram_available_bytes", 0) >= 0
    found = assemble({"host": {"ram_total_bytes": 2**35, "ram_available_bytes": 2**34}, "apple": told})
    for device in found.devices:
        assert 0 <= device.free_bytes <= device.total_bytes
    assert found.swap_free_bytes >= 0
