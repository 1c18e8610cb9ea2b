"""AMD's, Intel's and NVIDIA's cards in sysfs, whatever stands there: devices with sizes, or sentences; never a failure."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.machine import MachineFacts
from planner.probe import amd, intel, nvidia, pci
from planner.probe.drm_clients import held_by_card
from planner.probe.machine import assemble
from tests.fixtures import machines
from tests.fuzz import CASES

TREES = [n for n in machines.names() if n.startswith(("amd-", "intel-", "nvidia-", "fdinfo-"))]
NUMBERS = st.integers(-(2**70), 2**70).map(str)
TEXTS = st.one_of(
    NUMBERS, st.text(max_size=40), st.sampled_from(["", "0x1002", "0xffffffff", "max", "٣", "1e9", "\x00"])
)
HOST: dict[str, Any] = {"host": {"ram_total_bytes": 2**35, "ram_available_bytes": 2**34, "cpu": "c"}}


@contextmanager
def damaged(name: str, changes: dict[int, bytes | None]) -> Iterator[Path]:
    """A recorded computer with some files replaced or, for None, made a folder."""
    with tempfile.TemporaryDirectory() as folder:
        root = machines.laid_out(Path(folder), name)
        files = sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink())
        for at, content in changes.items():
            file = files[at % len(files)]
            if content is not None and file.is_file():
                file.write_bytes(content)
            elif file.is_file():
                file.unlink()
                file.mkdir()
        yield root


CHANGES = st.dictionaries(
    st.integers(0, 20),
    st.one_of(st.none(), st.binary(max_size=200), TEXTS.map(lambda t: t.encode("utf-8", "surrogatepass"))),
    min_size=1,
    max_size=4,
)


def sane(found: MachineFacts) -> None:
    for device in found.devices:
        assert 0 <= device.free_bytes <= device.total_bytes
        assert device.name
    assert all(note and len(note) < 600 for note in found.notes)


@settings(max_examples=CASES, deadline=None)
@given(st.sampled_from(TREES), CHANGES)
def test_any_tree_of_sysfs_is_devices_or_sentences(name: str, changes: dict[int, bytes | None]) -> None:
    with damaged(name, changes) as root:
        parts = {
            "amd": amd.probe("0", str(root)),
            "nvidia": {"notes": nvidia._cards_without_driver(root)},
        }
        host = {**HOST["host"], **intel.probe(str(root))}
        sane(assemble({"host": host, **parts}))
        for of_card in held_by_card(("vram", "gtt", "vram0"), root).values():
            assert all(size >= 0 for size in of_card.values())


@settings(max_examples=CASES, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=40), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_any_table_of_names_gives_a_short_name_or_none(lines: list[str], vendor: int, device: int) -> None:
    name = pci._of_table((*lines, f"{vendor:04x}  V", f"\t{device:04x}  N"), f"{vendor:04x}", f"{device:04x}")
    assert len(name) <= 80
