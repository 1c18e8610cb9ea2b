"""Limits of control groups, read from recorded files: the tightest one up the hierarchy binds."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.probe.cgroup import Limits, limits

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
        (SLURM_V1, Limits(8 * GIB, 6 * GIB, 4.0)),
        (DOCKER_V2, Limits(4 * GIB, 3 * GIB + GIB // 2, 1.5)),
        (USER_SLICE_V2, Limits(16 * GIB, GIB, 0.0)),  # the level with 20 GiB has only one left
        (HOST_PATH_V1, Limits(2 * GIB, GIB, 0.0)),
        ({}, Limits()),
        ({"proc/self/cgroup": "rubbish\n::\n0::/../..\n", "sys/fs/cgroup/memory.max": "x\n"}, Limits()),
    ],
)
def test_the_tightest_limit_binds(tmp_path: Path, files: dict[str, str], expected: Limits) -> None:
    assert limits(recorded(tmp_path, files)) == expected
