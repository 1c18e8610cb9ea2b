"""AMD devices as recorded computers show them; `tests/fixtures/machines/SOURCE.md` names where from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from planner.facts.machine import Device, MachineFacts
from planner.probe import amd
from planner.probe.drm_clients import held_by_card, size
from planner.probe.machine import assemble
from planner.probe.torch_build import torch_build
from tests.faults import fault
from tests.fixtures import machines

GIB = 1024**3
HOST: dict[str, Any] = {"name": "n", "cpu": "a CPU", "ram_total_bytes": 128 * GIB, "ram_available_bytes": 100 * GIB}


def told(tmp_path: Path, name: str) -> dict[str, Any]:
    return amd.probe("0", str(machines.laid_out(tmp_path, name)))


def facts(part: dict[str, Any], visible: str | None = None, **host: Any) -> MachineFacts:
    return assemble({"host": {**HOST, **host}, "disk": {"free_bytes": 1}, "amd": part}, visible)


def gpus(found: MachineFacts) -> list[Device]:
    return [d for d in found.devices if d.id != "cpu"]


def test_a_card_has_its_own_memory_less_what_is_used(tmp_path: Path) -> None:
    (card,) = gpus(facts(told(tmp_path, "amd-vega64")))
    assert (card.id, card.kind, card.shares_ram) == ("cuda:0", "rocm", False)
    assert (card.total_bytes, card.free_bytes) == (8573157376, 8573157376 - 1490378752)


def test_a_card_with_less_memory_than_the_kernel_lends_it_is_a_card_all_the_same(tmp_path: Path) -> None:
    """GTT is half of the RAM on any computer; what tells a processor's own GPU is another thing."""
    root = machines.laid_out(tmp_path, "amd-rx7900xt")
    (root / "sys/bus/pci/devices/0000:03:00.0/mem_info_gtt_total").write_text(f"{64 * GIB}\n")
    (card,) = gpus(facts(amd.probe("0", str(root))))
    assert (card.total_bytes, card.shares_ram) == (21458059264, False)
    shutil.rmtree(root / "sys/class/kfd")
    (card,) = gpus(facts(amd.probe("0", str(root))))
    assert (card.total_bytes, card.shares_ram) == (21458059264, False)


def test_a_processors_gpu_computes_in_ram_not_in_its_carve_out(tmp_path: Path) -> None:
    """Strix Halo: 512 MiB are set apart, ROCm counts 110 GiB."""
    found = facts(told(tmp_path, "amd-strix-halo"))
    (gpu,) = gpus(found)
    assert (gpu.total_bytes, gpu.shares_ram) == (118111600640, True)
    assert gpu.free_bytes == 100 * GIB  # no more than the RAM has
    assert any("RAM" in n and "512 MiB" in n for n in found.notes)


def test_without_kfd_the_drivers_own_table_tells_a_processors_gpu(tmp_path: Path) -> None:
    (gpu,) = gpus(facts(told(tmp_path, "amd-strix-halo-without-kfd")))
    assert (gpu.total_bytes, gpu.shares_ram) == (103079215104, True)


def test_an_old_driver_that_says_no_more_gtt_than_memory_is_believed(tmp_path: Path) -> None:
    (card,) = gpus(facts(told(tmp_path, "amd-rx570-old-driver")))
    assert (card.total_bytes, card.shares_ram) == (4294967296, False)


def test_a_driver_that_says_no_sizes_leaves_a_sentence_and_no_device(tmp_path: Path) -> None:
    found = facts(told(tmp_path, "amd-phoenix-no-sizes"))
    assert not gpus(found)
    assert any("does not say how much memory" in n for n in found.notes)


def test_two_devices_are_counted_as_rocm_counts_them(tmp_path: Path) -> None:
    part = told(tmp_path, "amd-rx6800-and-raphael")
    assert [(d.id, d.total_bytes) for d in gpus(facts(part))] == [("cuda:0", 17163091968), ("cuda:1", 67108864)]


@pytest.mark.parametrize(
    ("variables", "cuda", "ids"),
    [
        ({"HIP_VISIBLE_DEVICES": "1"}, None, [("cuda:1", 67108864)]),
        ({"ROCR_VISIBLE_DEVICES": "1"}, None, [("cuda:0", 67108864)]),  # HIP counts what ROCR left
        ({"ROCR_VISIBLE_DEVICES": "1,0", "HIP_VISIBLE_DEVICES": "1"}, None, [("cuda:1", 17163091968)]),
        ({}, "0", [("cuda:0", 17163091968)]),  # HIP takes CUDA's variable too
        ({"HIP_VISIBLE_DEVICES": ""}, None, []),
    ],
)
def test_hidden_devices_are_none(
    tmp_path: Path, variables: dict[str, str], cuda: str | None, ids: list[tuple[str, int]]
) -> None:
    part = told(tmp_path, "amd-rx6800-and-raphael") | {"visible": variables}
    found = facts(part, cuda)
    assert [(d.id, d.total_bytes) for d in gpus(found)] == ids
    assert any("hides" in n for n in found.notes)


def test_a_device_that_kfd_does_not_list_is_left_out_and_said(tmp_path: Path) -> None:
    root = machines.laid_out(tmp_path, "amd-rx6800-and-raphael")
    shutil.rmtree(root / "sys/class/kfd/kfd/topology/nodes/2")
    found = facts(amd.probe("0", str(root)))
    assert [d.id for d in gpus(found)] == ["cuda:0"]
    assert any("ROCm can compute" in n for n in found.notes)


@fault(
    "An AMD card without /dev/kfd, without the right to it, or with a torch of another build",
    injected="A recorded computer, with each of these said of it",
    seen="What stands in the way, and what to do",
    lost="Nothing",
)
def test_what_stands_in_the_way_of_computing_is_said(tmp_path: Path) -> None:
    part = told(tmp_path, "amd-vega64")
    assert part["kfd"] == "absent"
    notes = " ".join(facts(part | {"torch": "cpu"}).notes)
    assert "/dev/kfd" in notes
    assert "build for the CPU alone" in notes
    assert "groups" in " ".join(facts(part | {"kfd": "not permitted"}).notes)
    assert not facts(part | {"kfd": "", "torch": "rocm"}).notes


@pytest.mark.parametrize(("driver", "word"), [("radeon", "cannot compute"), ("vfio-pci", "virtual machine")])
def test_a_card_under_another_driver_is_said_and_no_device(tmp_path: Path, driver: str, word: str) -> None:
    root = machines.laid_out(tmp_path, "amd-vega64")
    link = root / "sys/bus/pci/devices/0000:09:00.0/driver"
    link.unlink()
    link.symlink_to(f"../../../../bus/pci/drivers/{driver}")
    part = amd.probe("0", str(root))
    assert not part["devices"]
    assert word in part["notes"][0]


def test_a_card_is_named_by_the_systems_tables(tmp_path: Path) -> None:
    root = machines.laid_out(tmp_path, "amd-rx7900xt")
    assert amd.probe("0", str(root))["devices"][0]["name"] == "AMD GPU 744c"
    table = tmp_path / "two/usr/share/hwdata/pci.ids"
    table.parent.mkdir(parents=True)
    # as pciutils writes it: https://pci-ids.ucw.cz
    table.write_text(
        "1002  Advanced Micro Devices, Inc. [AMD/ATI]\n\t744c  Navi 31 [Radeon RX 7900 XT/7900 XTX/7900 GRE/7900M]\n"
    )
    root = machines.laid_out(tmp_path / "two", "amd-rx7900xt")
    assert amd.probe("0", str(root))["devices"][0]["name"] == "AMD Radeon RX 7900 XT/7900 XTX/7900 GRE/7900M"


def test_programs_on_a_card_are_named_each_client_once(tmp_path: Path) -> None:
    root = machines.laid_out(tmp_path, "fdinfo-amdgpu")
    assert held_by_card(("vram",), root) == {"0000:08:00.0": {2217: 2068 * 1024}}
    assert held_by_card(("vram", "gtt"), root) == {"0000:08:00.0": {2217: (2068 + 8192) * 1024}}
    shared = machines.laid_out(tmp_path / "xe", "fdinfo-xe")
    assert held_by_card(("vram0",), shared) == {"0000:03:00.0": {42: 23992 * 1024}}


def test_what_kfd_counts_of_a_program_is_what_it_computes_with(tmp_path: Path) -> None:
    root = machines.laid_out(tmp_path, "amd-rx7900xt")
    held = root / "sys/class/kfd/kfd/proc/4242/vram_26967"
    held.parent.mkdir(parents=True)
    held.write_text(f"{3 * GIB}\n")
    (root / "proc/4242").mkdir(parents=True)
    (root / "proc/4242/comm").write_text("python3\n")
    (device,) = amd.probe("0", str(root))["devices"]
    assert device["holders"] == [{"name": "python3", "bytes": 3 * GIB}]
    assert amd.probe("4242", str(root))["devices"][0]["holders"] == []


@pytest.mark.parametrize(
    ("word", "expected"), [("48596 KiB", 48596 * 1024), ("2 MiB", 2 * 1024**2), ("12", 12), ("3 furlongs", 0), ("", 0)]
)
def test_a_size_is_read_with_its_unit(word: str, expected: int) -> None:
    assert size(word) == expected


@pytest.mark.parametrize(
    ("version", "build"),
    [
        ("2.13.0+cpu", "cpu"),
        ("2.13.0+rocm6.4", "rocm"),
        ("2.13.0+cu130", "cuda"),
        ("2.13.0+xpu", "xpu"),
        ("2.13.0", "default"),
    ],
)
def test_torchs_version_says_for_what_it_was_built(version: str, build: str) -> None:
    assert torch_build(version) == build
