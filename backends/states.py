"""What a training holds in memory, to files and back without pickle: model, optimizer, schedule, random generators.

Tensors go into safetensors, everything else into JSON; a state that fits neither is refused with a Problem. A file
from a stranger can therefore be read without running anything in it.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from planner.problem import fail

OPTIMIZER_TENSORS, OPTIMIZER_REST = "optimizer.safetensors", "optimizer.json"
SCHEDULER = "scheduler.json"
RNG = "rng.json"


def save_model(model: Any, folder: Path) -> None:
    """The adapter in PEFT's own format, or the whole model: safetensors and JSON, loadable by the libraries alone."""
    model.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's model card, a form nobody filled in


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
