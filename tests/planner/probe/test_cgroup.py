"""Limits of control groups, read from recorded files: the tightest one up the hierarchy binds. Those with a name come from
elsewhere; `tests/fixtures/machines/SOURCE.md` says where from."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.probe.cgroup import Limits, limits
from planner.probe.proc import Memory, memory, swapped_bytes
from tests.fixtures import machines

GIB = 1024**3


def recorded(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


# Layouts and values as documented in the kernel's admin-guide (cgroup-v2.rst; cgroup-v1/memory.rst) and as seen on
# real machines; the source of each stands beside it.
NONE_V1 = {  # as on the machine this test was written on: version 1 without a limit, hybrid
    "proc/self/cgroup": "9:name=systemd:/\n4:memory:/group\n2:cpuacct:/\n1:cpu:/\n0::/\n",
    "sys/fs/cgroup/memory/group/memory.limit_in_bytes": "9223372036854771712\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/unified/cgroup.procs": "",
}
SLURM_V1 = {  # the layout of Slurm's cgroup/v1 plugin: the job's group holds the limit, the step's group none
    "proc/self/cgroup": "5:cpuacct,cpu:/slurm/uid_1/job_2\n4:memory:/slurm/uid_1/job_2/step_0/task_0\n",
    "sys/fs/cgroup/memory/slurm/uid_1/job_2/step_0/task_0/memory.limit_in_bytes": "9223372036854771712\n",
    "sys/fs/cgroup/memory/slurm/uid_1/job_2/memory.limit_in_bytes": f"{8 * GIB}\n",
    "sys/fs/cgroup/memory/slurm/uid_1/job_2/memory.usage_in_bytes": f"{3 * GIB}\n",
    "sys/fs/cgroup/memory/slurm/uid_1/job_2/memory.stat": f"cache 5\ninactive_file 1\ntotal_inactive_file {GIB}\n",
    "sys/fs/cgroup/cpuacct,cpu/slurm/uid_1/job_2/cpu.cfs_quota_us": "400000\n",
    "sys/fs/cgroup/cpuacct,cpu/slurm/uid_1/job_2/cpu.cfs_period_us": "100000\n",
}
DOCKER_V2 = {  # docker run --memory 4g --cpus 1.5 on version 2: its own namespace, so the path is the root
    "proc/self/cgroup": "0::/\n",
    "sys/fs/cgroup/memory.max": f"{4 * GIB}\n",
    "sys/fs/cgroup/memory.current": f"{GIB}\n",
    "sys/fs/cgroup/memory.stat": f"anon 100\nfile 200\ninactive_file {GIB // 2}\n",
    "sys/fs/cgroup/cpu.max": "150000 100000\n",
}
USER_SLICE_V2 = {  # systemd with MemoryMax= on a slice: the leaf says max, a level above binds
    "proc/self/cgroup": "0::/user.slice/user-1000.slice/session.scope\n",
    "sys/fs/cgroup/user.slice/user-1000.slice/session.scope/memory.max": "max\n",
    "sys/fs/cgroup/user.slice/user-1000.slice/memory.max": f"{16 * GIB}\n",
    "sys/fs/cgroup/user.slice/user-1000.slice/memory.current": f"{6 * GIB}\n",
    "sys/fs/cgroup/user.slice/memory.max": f"{20 * GIB}\n",
    "sys/fs/cgroup/user.slice/memory.current": f"{19 * GIB}\n",
    "sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
}
HOST_PATH_V1 = {  # docker on version 1 without a namespace: the path is the host's, the files lie at the mount's root
    "proc/self/cgroup": "4:memory:/docker/0123abcd\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GIB}\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIB}\n",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (NONE_V1, Limits()),
        (SLURM_V1, Limits(8 * GIB, 6 * GIB, 4.0, maker="a Slurm job")),
        (DOCKER_V2, Limits(4 * GIB, 3 * GIB + GIB // 2, 1.5)),
        (
            USER_SLICE_V2,
            Limits(16 * GIB, GIB, 0.0, maker="a limit of systemd"),
        ),  # the level with 20 GiB has only one left
        (HOST_PATH_V1, Limits(2 * GIB, GIB, 0.0, maker="a Docker container")),
        ({}, Limits()),
        ({"proc/self/cgroup": "rubbish\n::\n0::/../..\n", "sys/fs/cgroup/memory.max": "x\n"}, Limits()),
    ],
)
def test_the_tightest_limit_binds(tmp_path: Path, files: dict[str, str], expected: Limits) -> None:
    assert limits(recorded(tmp_path, files)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cgroup1-docker-on-host", Limits(4294967296, 4294967296 - 5013504, maker="a Docker container")),
        ("cgroup2-docker-inside", Limits(268435456, 268435456, maker="a Docker container")),
        ("cgroup2-docker-swapping", Limits(25165824, 25165824 - 22798336, maker="a Docker container")),
        ("cgroup2-podman-limit-above", Limits(1073741824, 1073741824, maker="a limit of systemd")),
        ("cgroup2-slurm", Limits(4194304000, 4194304000, maker="a Slurm job")),
        ("cgroup1-slurm-task-has-no-limit", Limits(8589934592, 8589934592, maker="a Slurm job")),
        ("cgroup2-kubernetes", Limits(3040550912, 3040550912, maker="a Kubernetes pod")),
        (
            "cgroup1-docker-swapping",  # 1 GiB beside 1 GiB of RAM, and 617,717,760 of it are taken
            Limits(1073741824, 1073741824 - 920088576, 0.0, 1073741824 - 617717760, "a Docker container"),
        ),
    ],
)
def test_real_groups_are_read_as_they_are(tmp_path: Path, name: str, expected: Limits) -> None:
    assert limits(machines.laid_out(tmp_path, name)) == expected


@pytest.mark.parametrize(
    ("files", "swap"),
    [
        ({"memory.swap.max": "0\n", "memory.swap.current": "0\n"}, 0),
        ({"memory.swap.max": f"{GIB}\n", "memory.swap.current": f"{GIB // 4}\n"}, GIB - GIB // 4),
        ({"memory.swap.max": "max\n"}, -1),
        ({}, -1),
    ],
)
def test_what_may_still_be_swapped_is_bounded_by_the_group(tmp_path: Path, files: dict[str, str], swap: int) -> None:
    tree = DOCKER_V2 | {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    assert limits(recorded(tmp_path, tree)).swap_bytes == swap


def test_the_level_that_slows_a_program_down_is_a_limit_too(tmp_path: Path) -> None:
    found = limits(recorded(tmp_path, DOCKER_V2 | {"sys/fs/cgroup/memory.high": f"{2 * GIB}\n"}))
    assert found.memory_bytes == 2 * GIB


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "proc-small-swapping",
            Memory(1016056 * 1024, 459000 * 1024, 1048572 * 1024, 864528 * 1024),
        ),
        ("proc-kubernetes-node", Memory(16393244 * 1024, 15020900 * 1024, 0, 0)),
        ("proc-gb10", Memory(127600748 * 1024, 118566368 * 1024, 0, 0)),
    ],
)
def test_ram_and_swap_are_read_from_proc(tmp_path: Path, name: str, expected: Memory) -> None:
    assert memory(machines.laid_out(tmp_path, name)) == expected


def test_swap_in_compressed_ram_is_told_from_swap_on_a_disk(tmp_path: Path) -> None:
    root = machines.laid_out(tmp_path, "proc-small-swapping")
    (root / "proc/swaps").write_text(
        "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n/dev/zram0 partition\t8388604\t0\t100\n"
    )
    found = memory(root)
    assert found is not None
    assert found.compressed_swap


def test_what_of_a_process_is_swapped_out_is_read_from_its_status() -> None:
    assert (
        swapped_bytes(b"Name:\tsystemd\nVmRSS:\t    4212 kB\nRssAnon:\t    1332 kB\nVmSwap:\t     644 kB\n")
        == 644 * 1024
    )
    assert swapped_bytes("Name:\tx\n") == 0
