"""Control groups, whatever their files hold: limits of 0 or more, quickly, and nothing outside the tree is read."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.probe import cgroup, proc
from tests.fixtures import machines
from tests.fuzz import CASES
from tests.fuzz.test_sysfs import CHANGES, damaged

TREES = [n for n in machines.names() if n.startswith(("cgroup", "proc-"))]


@settings(max_examples=CASES, deadline=None)
@given(st.sampled_from(TREES), CHANGES)
def test_any_group_has_limits_that_make_sense(name: str, changes: dict[int, bytes | None]) -> None:
    with damaged(name, changes) as root:
        found = cgroup.limits(root)
        assert 0 <= found.free_bytes <= max(found.memory_bytes, 2**64)
        assert found.memory_bytes >= 0
        assert found.cores >= 0.0
        assert found.swap_bytes >= -1
        memory = proc.memory(root)
        if memory is not None:
            assert 0 <= memory.available <= memory.total
            assert 0 <= memory.swap_free <= memory.swap_total


@settings(max_examples=CASES, deadline=None)
@given(st.text(st.sampled_from("0123456789:,/.memorycpu\n"), max_size=300))
def test_any_membership_is_read(text: str) -> None:
    with damaged("cgroup2-docker-inside", {}) as root:
        (root / "proc/self/cgroup").write_text(text)
        for _, path in cgroup._memberships(root):
            assert all(
                level == root / "sys/fs/cgroup" or root in level.parents for level, _ in cgroup._levels(root, "", path)
            )
        cgroup.limits(root)


@settings(max_examples=CASES, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.from_regex(rb"(?s)(Name:\tx\n)?VmSwap:[ \t]*[0-9]{0,30} ?(kB|MB)?\n.*")))
def test_any_status_of_a_process_tells_a_size(status: bytes) -> None:
    assert proc.swapped_bytes(status) >= 0
