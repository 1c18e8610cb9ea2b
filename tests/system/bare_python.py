"""An interpreter that has the libraries and not this program, to run exports with."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

CHOSEN = "PLIMSOLL_EXPORT_PYTHON"  # an environment made from an export's requirements.txt, where a caller has one


def bare_python(folder: Path) -> Path:
    """The chosen interpreter, or a new environment in `folder` that sees the libraries of this one.

    A path file names the libraries' folder; the path files in that folder are not read, so an editable install of
    this program stays invisible.
    """
    if chosen := os.environ.get(CHOSEN):
        return Path(chosen)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    paths = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    own = {"base": str(folder), "platbase": str(folder)}
    Path(sysconfig.get_path("purelib", vars=own), "libraries.pth").write_text("\n".join(paths) + "\n")
    return python


def run(python: Path, arguments: list[str], cwd: Path) -> subprocess.Popen[str]:
    """Start the interpreter isolated from this one's environment, elsewhere, with its output kept."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH")}
    env = {**kept, "HOME": str(cwd), "HF_HOME": str(cwd / "hub"), "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(
        [str(python), "-I", *arguments],
        cwd=cwd,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
