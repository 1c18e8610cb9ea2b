"""What probes say becomes facts; what they cannot say becomes a note, and costs nothing else."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from planner.facts.machine import Holder
from planner.probe import child, machine
from planner.probe.apple import from_texts
from planner.probe.holders import host_processes, largest
from planner.probe.intel import probe as probe_intel
from planner.probe.machine import assemble
from tests.fixtures import machines

GIB = 1024**3
MIB = 1024**2
HOST: dict[str, Any] = {
    "name": "n",
    "os": "Linux 6",
    "cpu": "a CPU",
    "physical_cores": 8,
    "usable_cores": 16,
    "quota_cores": 0.0,
    "ram_total_bytes": 32 * GIB,
    "ram_available_bytes": 20 * GIB,
    "limit_bytes": 0,
    "limit_free_bytes": 0,
    "holders": [{"name": "browser", "bytes": 3 * GIB}],
}
CARD: dict[str, Any] = {
    "index": 0,
    "uuid": "GPU-aa",
    "name": "NVIDIA GeForce RTX 4090",
    "total_bytes": 24564 * MIB,
    "free_bytes": 20000 * MIB,
    "capability": [8, 9],
    "holders": [{"name": "game", "bytes": 4 * GIB}],
}


def said(**parts: Any) -> dict[str, Any]:
    return {"host": HOST, "disk": {"free_bytes": 7}, **parts}


@pytest.mark.alone
def test_this_machine_is_seen_whole_and_quickly() -> None:
    started = time.perf_counter()
    facts = machine()
    assert time.perf_counter() - started < 2.5
    cpu = facts.device("cpu")
    assert cpu is not None
    assert 0 < cpu.free_bytes <= cpu.total_bytes
    assert facts.cpu
    assert facts.physical_cores >= 1
    assert facts.disk_free_bytes > 0
    assert not [n for n in facts.notes if "failed" in n]


@pytest.mark.alone
def test_this_very_program_is_no_other_holder() -> None:
    psutil = pytest.importorskip("psutil")
    own = psutil.Process()
    ballast = bytearray(b"x" * (600 * MIB))

    def held(without: frozenset[int]) -> int:
        return sum(size for name, size in host_processes(without) if name == own.name())

    assert held(frozenset()) - held(frozenset({own.pid})) > 500 * MIB
    assert len(ballast)


def test_a_card_is_a_device_with_its_holders_by_name() -> None:
    facts = assemble(said(nvidia={"devices": [CARD], "notes": []}))
    card, cpu = facts.devices
    assert (card.id, card.kind, card.supports_bf16) == ("cuda:0", "cuda", True)
    assert card.others == (Holder("game", 4 * GIB),)
    assert (cpu.id, cpu.free_bytes, cpu.others) == ("cpu", 20 * GIB, (Holder("browser", 3 * GIB),))


def test_an_old_card_does_not_compute_bfloat16() -> None:
    facts = assemble(said(nvidia={"devices": [{**CARD, "capability": [7, 5]}]}))
    assert not facts.devices[0].supports_bf16


def test_unified_memory_is_the_computers_own_and_said_so() -> None:
    facts = assemble(said(nvidia={"devices": [{**CARD, "name": "GB10", "total_bytes": None, "free_bytes": None}]}))
    assert (facts.devices[0].total_bytes, facts.devices[0].free_bytes) == (32 * GIB, 20 * GIB)
    assert any("GB10" in n and "RAM" in n for n in facts.notes)


@pytest.mark.parametrize(
    ("visible", "ids"),
    [
        (None, ["cuda:0", "cuda:1"]),
        ("1", ["cuda:1"]),
        ("GPU-bb,GPU-aa", ["cuda:1", "cuda:0"]),
        ("", []),
        ("0,7,1", ["cuda:0"]),
    ],
)
def test_hidden_cards_are_no_devices(visible: str | None, ids: list[str]) -> None:
    cards = [CARD, {**CARD, "index": 1, "uuid": "GPU-bb"}]
    facts = assemble(said(nvidia={"devices": cards}), visible)
    assert [d.id for d in facts.devices] == [*ids, "cpu"]
    assert any("CUDA_VISIBLE_DEVICES" in n for n in facts.notes) == (len(ids) < 2)


def test_a_container_limits_what_counts_as_this_machines_memory() -> None:
    host = {**HOST, "limit_bytes": 4 * GIB, "limit_free_bytes": 3 * GIB, "quota_cores": 1.5}
    facts = assemble(said(host=host))
    assert (facts.host_total_bytes, facts.host_free_bytes, facts.physical_cores) == (4 * GIB, 3 * GIB, 1)
    assert (facts.devices[0].total_bytes, facts.devices[0].free_bytes) == (4 * GIB, 3 * GIB)
    assert len(facts.notes) == 2


def test_a_probe_that_failed_leaves_a_note_and_the_rest_stands() -> None:
    facts = assemble(said(nvidia="it did not answer within 2 s"))
    assert [d.id for d in facts.devices] == ["cpu"]
    assert facts.notes == ("Looking at NVIDIA devices failed: it did not answer within 2 s.",)
    nothing = assemble({"host": "it ended with signal 11"})
    assert nothing.device("cpu") is not None
    assert nothing.ram_total_bytes == 0


def test_devices_of_two_makers_never_share_a_name() -> None:
    amd = {"pci": "0000:03:00.0", "name": "Radeon", "total_bytes": GIB, "free_bytes": GIB, "shares_ram": False}
    facts = assemble(said(nvidia={"devices": [CARD]}, amd={"devices": [amd]}))
    assert [(d.id, d.kind) for d in facts.devices] == [("cuda:0", "cuda"), ("cpu", "cpu")]
    assert any("Radeon" in n for n in facts.notes)


def sysctl(**changed: str) -> str:
    text = machines.text("sysctl-apple-silicon.txt")
    for key, value in changed.items():
        text = re.sub(rf"(?m)^(\S*{key}): .*$", rf"\1: {value}", text)
    return text


def test_an_apple_gpu_shares_ram_within_metals_limit() -> None:
    host = {**HOST, "ram_total_bytes": 36 * GIB, "ram_available_bytes": 30 * GIB}
    found = assemble(said(host=host, apple=from_texts(sysctl(), "")))
    gpu = found.devices[0]
    assert (gpu.id, gpu.name, gpu.total_bytes, gpu.free_bytes) == ("mps", "Apple M3 GPU", 24 * GIB, 24 * GIB)
    assert gpu.shares_ram
    assert any("memory pressure" in n for n in found.notes)
    raised = assemble(said(host=host, apple=from_texts(sysctl(wired_limit_mb="28672"), "")))
    assert raised.devices[0].total_bytes == 28 * GIB
    assert any("was changed" in n for n in raised.notes)


def test_what_is_free_on_a_mac_is_what_no_program_holds() -> None:
    """As Activity Monitor counts: inactive pages are programs' memory too, file pages are nobody's."""
    told = from_texts(sysctl(), machines.text("vm_stat-intel-mac.txt"))
    used = (464333 - 11820 + 715958 + 0) * 4096
    assert told["ram_available_bytes"] == 34359738368 - used
    assert (told["swap_total_bytes"], told["swap_free_bytes"]) == (4096 * MIB, round(1352.5 * MIB))
    found = assemble(said(apple=told))
    assert found.ram_available_bytes == told["ram_available_bytes"]
    assert found.swap_total_bytes == 4096 * MIB


def test_a_mac_with_an_intel_processor_has_no_gpu_to_compute_on() -> None:
    assert from_texts(sysctl(), machines.text("vm_stat-intel-mac.txt"), silicon=False)["devices"] == []


def test_a_mac_that_says_nothing_of_it_has_what_psutil_says() -> None:
    found = assemble(said(apple=from_texts("sysctl: unknown oid 'x'\n", "vm_stat: no\n")))
    assert found.ram_available_bytes == 20 * GIB
    assert found.devices[0].name == "Apple GPU"


def test_intels_gpus_are_named_and_said_to_be_out_of_reach(tmp_path: Path) -> None:
    arc = probe_intel(str(machines.laid_out(tmp_path / "a", "intel-arc-b580")))
    found = assemble(said(host={**HOST, "notes": arc["notes"]}))
    assert [d.id for d in found.devices] == ["cpu"]
    assert any("e20b" in n and "cannot be planned yet" in n and "xe" in n for n in found.notes)
    named = machines.laid_out(tmp_path / "named", "intel-arc-b580")
    table = named / "usr/share/misc/pci.ids"
    table.parent.mkdir(parents=True)
    table.write_text("8086  Intel Corporation\n\te20b  Battlemage G21 [Arc B580]\n")
    assert "Intel Arc B580" in probe_intel(str(named))["notes"][0]
    laptop = probe_intel(str(machines.laid_out(tmp_path / "b", "intel-cometlake")))
    assert laptop == {"devices": [], "notes": []}  # every laptop has one


def test_swap_is_told_and_never_counts_as_room() -> None:
    found = assemble(said(host={**HOST, "swap_total_bytes": 8 * GIB, "swap_free_bytes": 6 * GIB}))
    assert (found.swap_total_bytes, found.swap_free_bytes) == (8 * GIB, 6 * GIB)
    assert found.host_free_bytes == 20 * GIB


def test_limits_of_a_session_are_said_in_words() -> None:
    host = {
        **HOST,
        "limit_bytes": 4 * GIB,
        "limit_free_bytes": GIB,
        "limit_maker": "a Slurm job",
        "limit_forbids_swap": True,
        "address_space_bytes": 8 * GIB,
        "swap_is_compressed_ram": True,
    }
    notes = " ".join(assemble(said(host=host)).notes)
    for word in ("A Slurm job limits", "4.00 GiB of 32.00 GiB", "may not swap", "ulimit -v", "zram"):
        assert word in notes


@pytest.mark.parametrize("torch", ["cpu", "rocm"])
def test_a_torch_that_cannot_use_the_card_is_said(torch: str) -> None:
    notes = assemble(said(nvidia={"devices": [CARD], "notes": [], "torch": torch})).notes
    assert any("cannot compute on NVIDIA GeForce RTX 4090" in n for n in notes)
    assert not assemble(said(nvidia={"devices": [CARD], "notes": [], "torch": "default"})).notes


PART: dict[str, Any] = {**CARD, "mig": True, "name": "A100, instance 0", "uuid": "MIG-1111", "total_bytes": 5 * GIB}


@pytest.mark.parametrize(
    ("cards", "visible", "names"),
    [
        ([PART, {**PART, "uuid": "MIG-2222", "name": "A100, instance 1"}], None, ["A100, instance 0"]),
        (
            [PART, {**PART, "uuid": "MIG-2222", "name": "A100, instance 1"}],
            "MIG-2222",
            ["A100, instance 1"],
        ),
        ([CARD, {**PART, "index": 1}], None, ["NVIDIA GeForce RTX 4090"]),
        ([CARD, {**PART, "index": 1}], "1", ["A100, instance 0"]),
    ],
)
def test_of_a_split_card_a_run_sees_one_part(cards: list[Any], visible: str | None, names: list[str]) -> None:
    found = assemble(said(nvidia={"devices": cards}), visible)
    assert [d.name for d in found.devices if d.kind == "cuda"] == names


def test_holders_of_one_name_are_added_up_and_tiny_ones_left_out() -> None:
    held = [("tab", 200 * MIB), ("tab", 300 * MIB), ("tiny", 1), *[(f"p{i}", (40 + i) * MIB) for i in range(9)]]
    found = largest(held)
    assert found[0] == {"name": "tab", "bytes": 500 * MIB}
    assert len(found) == 5
    assert "tiny" not in {h["name"] for h in found}


PYTHON = [sys.executable, "-c"]


@pytest.mark.alone
def test_a_probe_that_hangs_is_given_up_in_time() -> None:
    started = time.perf_counter()
    assert child.ask([*PYTHON, "import threading; threading.Event().wait()"], 0.3) == "it did not answer within 0.3 s"
    assert time.perf_counter() - started < 1.5


@pytest.mark.parametrize(
    ("program", "word"),
    [
        ("import os; os.kill(os.getpid(), 11)", "signal 11"),
        ("raise SystemExit(3)", "exit code 3"),
        ("print('no json')", "nothing that can be read"),
        ("print('[1]')", "nothing that can be read"),
        ("", "nothing that can be read"),
    ],
)
def test_a_probe_that_breaks_is_a_sentence(program: str, word: str) -> None:
    answer = child.ask([*PYTHON, program], 5)
    assert isinstance(answer, str)
    assert word in answer


def test_a_program_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    assert "could not be started" in child.ask([str(tmp_path / "absent")], 5)


def test_an_unknown_probe_is_refused() -> None:
    assert child.ask(child.probe_command("crystal-ball"), 5) == "it ended with exit code 2"


def test_probes_print_one_json_object(tmp_path: Path) -> None:
    told = child.ask(child.probe_command("disk", str(tmp_path / "not" / "yet")), 5)
    assert isinstance(told, dict)
    assert told["free_bytes"] > 0
    assert json.dumps(told)


def test_a_full_disk_is_another_thing_than_one_that_could_not_be_looked_at() -> None:
    assert assemble(said(disk={"free_bytes": 0})).disk_free_bytes == 1
    assert assemble(said(disk="it did not answer within 2 s")).disk_free_bytes == 0
