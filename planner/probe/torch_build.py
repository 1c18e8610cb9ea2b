"""For which devices the torch that is installed here was built, without importing it: its version says so."""

from __future__ import annotations

import re
from importlib import metadata


def torch_build(version: str | None = None) -> str:
    """`cpu`, `cuda`, `rocm`, `xpu`, or empty where there is no torch. version: for tests, as the package writes it."""
    if version is None:
        try:
            version = metadata.version("torch")
        except metadata.PackageNotFoundError:
            return ""
    _, _, local = version.partition("+")
    word = re.match(r"[a-z]+", local)
    if word is None:
        return "default"  # the wheel of PyPI: CUDA on Linux, the Apple GPU on a Mac, the CPU on Windows
    return {"cpu": "cpu", "rocm": "rocm", "xpu": "xpu"}.get(word[0], "cuda")
