"""The worker with less memory than the machine has: `python -m benchmarks.gpu_check.limited BYTES RUNDIR`.

On a card the limit is torch's own (set_per_process_memory_fraction): what its allocator may take. On Linux's CPU it is
the system's (RLIMIT_DATA), counted from when the libraries are loaded. Elsewhere there is none, and it says so.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from planner.run import layout
from planner.slots import Slot

NO_LIMIT = 3  # exit code


def main(arguments: list[str]) -> int:
    limit_bytes, run_dir = int(arguments[0]), Path(arguments[1])
    spec = json.loads((run_dir / layout.SPEC).read_text(encoding="utf-8"))
    device = spec["plan"]["stages"][0]["choices"][Slot.PLACEMENT.value]["options"]["device"]
    if not (_on_card(limit_bytes) if device.startswith("cuda") else _on_linux(limit_bytes)):
        return NO_LIMIT
    from backends import worker

    return worker.main([str(run_dir)])


def _on_card(limit_bytes: int) -> bool:
    """The worker's environment shows one card only, so it is the first."""
    import torch

    if not torch.cuda.is_available():
        return False
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, (limit_bytes + 0.5) / total), 0)
    return True


def _on_linux(limit_bytes: int) -> bool:
    if sys.platform != "linux":
        return False
    import resource

    import backends.trainers.fine_tune  # noqa: F401 - what it brings along is no part of the limit

    status = Path("/proc/self/status").read_text(encoding="utf-8")
    held = int(status.partition("VmData:")[2].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (held + limit_bytes, resource.RLIM_INFINITY))
    return True


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
