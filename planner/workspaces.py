"""What the matmuls of a card work with: cuBLAS' own buffers, one for each thread that multiplies. Allocated by torch."""

from __future__ import annotations

from functools import lru_cache

from planner.ledger import DEVICE, At, Kind, Line, Why
from planner.slots import Slot

CUBLAS_BYTES = 8_519_680
HOPPER_BYTES = 33_554_432
"""4096 KiB × 2 + 16 KiB × 8, and 4096 KiB × 8 on Hopper (aten/src/ATen/cuda/CUDABlas.cpp, parseChosenWorkspaceSize)."""

TRAINING_THREADS = 2  # forward's and backward's


def workspace_bytes(capability: float) -> int:
    """Of one thread that multiplies, on a card of this compute capability; 0: unknown."""
    return HOPPER_BYTES if 9.0 <= capability < 10.0 else CUBLAS_BYTES


@lru_cache(maxsize=1024)
def workspace_lines(device: str, capability: float, threads: int, alive: frozenset[At]) -> tuple[Line, ...]:
    """Nothing on devices that multiply without cuBLAS."""
    if device != "cuda":
        return ()
    each = workspace_bytes(capability)
    why = Why("cuBLAS keeps {b} bytes for each of {n} threads that multiply.", (("b", each), ("n", threads)))
    return (Line("Workspaces of matmuls", Kind.WORKSPACE, DEVICE, threads * each, alive, Slot.PLACEMENT, why),)
