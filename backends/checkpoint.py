"""Checkpoints without pickle: safetensors for tensors, JSON for the rest, whole on disk or not there at all.

A checkpoint is written aside, brought to the disk, and renamed; the one before it is removed only afterwards. A file
from a stranger can therefore be read without running anything in it. transformers' own optimizer.pt, scheduler.pt,
rng_state.pth and training_args.bin are never written.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from planner.problem import fail
from planner.run import layout

KEEP = 2
MANIFEST = "checkpoint.json"
OPTIMIZER_TENSORS, OPTIMIZER_REST = "optimizer.safetensors", "optimizer.json"
SCHEDULER = "scheduler.json"
RNG = "rng.json"
ROOM_BYTES = 16 * 1024 * 1024  # left free beside a checkpoint, for the journal and for the system


def save_model(model: Any, folder: Path) -> None:
    """The adapter in PEFT's own format, or the whole model: safetensors and JSON, loadable by the libraries alone."""
    model.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's model card, a form nobody filled in


def write(run_dir: Path, step: int, fill: Callable[[Path], None], facts: dict[str, Any]) -> tuple[Path, int]:
    """Let `fill` write a folder's files, bring them to the disk, and give the folder its name. Returns (folder, bytes).

    facts go into the manifest. Raises whatever `fill` raises; then nothing is left of the attempt.
    """
    parent = run_dir / layout.CHECKPOINTS
    parent.mkdir(exist_ok=True)
    aside = parent / f".step-{step}.partial"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir()
        fill(aside)
        sizes = {p.name: p.stat().st_size for p in sorted(aside.iterdir())}
        _write_json(aside / MANIFEST, {"step": step, "files": sizes, **facts})
        sync_folder(aside)
        folder = parent / f"step-{step}"
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)
        _sync(parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    prune(run_dir, KEEP)
    return folder, sum(sizes.values())


def sync_folder(folder: Path) -> None:
    """Wait until the disk has a folder and its files."""
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows has no handle for that
    handle = os.open(path, os.O_RDONLY if path.is_dir() or os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def prune(run_dir: Path, keep: int) -> int:
    """Remove all but the latest `keep` checkpoints; returns how many went."""
    old = complete(run_dir)[:-keep]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def complete(run_dir: Path) -> list[Path]:
    """The checkpoints that are whole, earliest first: each file of the manifest is there in its size."""
    found = []
    for folder in (run_dir / layout.CHECKPOINTS).glob("step-*"):
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            whole = all((folder / name).stat().st_size == size for name, size in manifest["files"].items())
            if whole:
                found.append((int(manifest["step"]), folder))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return [folder for _, folder in sorted(found)]


def latest(run_dir: Path) -> Path | None:
    """The checkpoint to resume from."""
    found = complete(run_dir)
    return found[-1] if found else None


def manifest(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return read


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def training_bytes(model: Any, optimizer: Any) -> int:
    """About what a checkpoint will take: what is saved of the model, and the optimizer's states."""
    trained = [p for p in model.parameters() if p.requires_grad]
    states = [t for s in optimizer.state.values() for t in s.values() if torch.is_tensor(t)]
    if not states:
        states = trained * 2  # before the first update
    return sum(t.numel() * t.element_size() for t in [*trained, *states])


def save_optimizer(optimizer: Any, folder: Path) -> None:
    """State dict of any torch optimizer: tensors by position and name, the rest as JSON."""
    state = optimizer.state_dict()
    tensors: dict[str, torch.Tensor] = {}
    rest: dict[str, Any] = {"param_groups": state["param_groups"], "state": {}}
    for index, entry in state["state"].items():
        plain = rest["state"].setdefault(str(index), {})
        for name, value in entry.items():
            if torch.is_tensor(value):
                # a view shares its storage with a neighbour, which safetensors refuses; contiguous() is free if it is none
                tensors[f"{index}.{name}"] = value.detach().contiguous()
            else:
                plain[name] = value
    save_file(tensors, str(folder / OPTIMIZER_TENSORS))
    _write_json(folder / OPTIMIZER_REST, rest)


def load_optimizer(optimizer: Any, folder: Path) -> None:
    """Put a saved state back; dtypes and devices follow the parameters, as torch does it."""
    rest = _read_json(folder / OPTIMIZER_REST)
    state: dict[int, dict[str, Any]] = {int(i): dict(entry) for i, entry in rest["state"].items()}
    for key, tensor in load_file(str(folder / OPTIMIZER_TENSORS)).items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = tensor
    groups = [{k: tuple(v) if k == "betas" else v for k, v in g.items()} for g in rest["param_groups"]]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def save_scheduler(scheduler: Any, folder: Path) -> None:
    _write_json(folder / SCHEDULER, scheduler.state_dict())


def load_scheduler(scheduler: Any, folder: Path) -> None:
    scheduler.load_state_dict(_read_json(folder / SCHEDULER))


def rng_state() -> dict[str, Any]:
    """Every generator a run draws from, as JSON."""
    import numpy as np

    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state()
    state: dict[str, Any] = {
        "python": [version, list(words), gauss],
        "numpy": [kind, [int(k) for k in keys], int(position), int(has_gauss), float(cached)],
        "torch": torch.get_rng_state().numpy().tobytes().hex(),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        state["cuda"] = [s.numpy().tobytes().hex() for s in torch.cuda.get_rng_state_all()]
    return state


def set_rng_state(state: dict[str, Any]) -> None:
    """Put back what `rng_state` gave."""
    import numpy as np

    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(_bytes_tensor(state["torch"]))
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([_bytes_tensor(s) for s in state["cuda"]])


def _bytes_tensor(text: str) -> torch.Tensor:
    return torch.frombuffer(bytearray.fromhex(text), dtype=torch.uint8)


def save_rng(folder: Path) -> None:
    _write_json(folder / RNG, rng_state())


def load_rng(folder: Path) -> None:
    set_rng_state(_read_json(folder / RNG))


def _write_json(path: Path, value: Any) -> None:
    try:
        path.write_text(json.dumps(value), encoding="utf-8")
    except TypeError as error:
        raise fail(
            "checkpoint.unsupported_state",
            f"{path.name} cannot hold this state: {error}.",
            "Choose another optimizer or schedule.",
        ) from None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise fail(
            "checkpoint.damaged",
            f"{str(path)!r} of the checkpoint cannot be read: {error}.",
            "Remove that step's folder: the run then goes on from the checkpoint before it.",
        ) from None
