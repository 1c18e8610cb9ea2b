"""Reads what a folder in PEFT's layout says of its adapter: its kind, its base model, its settings. No weight is read.

adapter_config.json is a stranger's claim like any other. What it says beyond kind, rank, scale, dropout and targets is
named in `differs`, so that a plan made of it can say in what it is another one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from planner.facts.json_file import read_object
from planner.facts.model.safetensors_header import read_header
from planner.problem import fail

CONFIG, WEIGHTS, PICKLED = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"
CODE = "adapter.config"
LORA = "LORA"  # PEFT's word for its kind
ALL_LINEAR = "all-linear"
RANK_LIMIT, MOST_TARGETS, NAME_LIMIT = 2**16, 1000, 300

BEYOND = {
    "use_dora": "its scales are learned apart (DoRA)",
    "use_rslora": "its scale is alpha ÷ √rank (rsLoRA)",
    "rank_pattern": "some of its matrices have a rank of their own",
    "alpha_pattern": "some of its matrices have an alpha of their own",
    "modules_to_save": "whole modules were trained beside it",
    "layers_to_transform": "only some of the layers have it",
    "exclude_modules": "some modules were left out by name",
    "target_parameters": "it targets parameters that are no module of their own",
    "trainable_token_indices": "some rows of the embedding were trained beside it",
    "layer_replication": "layers are run more than once",
}


@dataclass(frozen=True)
class AdapterFacts:
    """kind: PEFT's word for it, such as LORA. base: the name or path that it says it was trained on, empty where it says
    nothing. rank, alpha, dropout, targets: of LoRA; 0 and empty for other kinds. differs: what our options cannot say."""

    name: str
    path: str
    kind: str
    base: str
    bytes: int
    rank: int = 0
    alpha: float = 0.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """`LoRA adapter, rank 16`."""
        return f"LoRA adapter, rank {self.rank}" if self.kind == LORA else f"adapter of the kind {self.kind}"


def is_adapter(folder: Path) -> bool:
    return (folder / CONFIG).is_file()


def read_adapter(folder: Path | str, *, name: str = "") -> AdapterFacts:
    """The adapter in `folder`. Raises ProblemError `adapter.*`, and `model.weights_*` of its file."""
    place = Path(folder)
    config = read_object(place / CONFIG, CODE)
    weights = _bytes(place)
    kind, base = config.get("peft_type"), config.get("base_model_name_or_path") or ""
    if not isinstance(kind, str) or not kind.replace("_", "").isalnum() or not isinstance(base, str):
        raise _wrong(place, "it does not say which kind of adapter it is")
    facts = AdapterFacts(name or place.resolve().name, str(place.resolve()), kind[:40], base[:NAME_LIMIT], weights)
    return _lora(facts, config, place) if kind == LORA else facts


def _bytes(folder: Path) -> int:
    if (folder / WEIGHTS).is_file():
        return sum(t.bytes for t in read_header(folder / WEIGHTS).values())
    if (folder / PICKLED).is_file():
        raise fail(
            "adapter.pickle_only",
            f"{folder} holds its adapter as a pickle file, which can run any program when it is opened.",
            "Choose the adapter's safetensors version.",
        )
    raise fail("adapter.no_weights", f"{folder} holds no {WEIGHTS}.", "Fetch the adapter again.")


def _lora(facts: AdapterFacts, config: dict[str, Any], folder: Path) -> AdapterFacts:
    rank, alpha, dropout = config.get("r"), config.get("lora_alpha", 8), config.get("lora_dropout", 0.0)
    if type(rank) is not int or not 0 < rank <= RANK_LIMIT:
        raise _wrong(folder, f"its rank is {rank!r:.40}")
    if not _number(alpha) or not 0 < alpha < 2**31:
        raise _wrong(folder, f"its alpha is {alpha!r:.40}")
    if not _number(dropout) or not 0 <= dropout < 1:
        raise _wrong(folder, f"its dropout is {dropout!r:.40}")
    differs = [words for key, words in BEYOND.items() if config.get(key)]
    if config.get("bias", "none") != "none":
        differs.append("biases were trained beside it")
    targets = config.get("target_modules")
    if float(alpha) != round(alpha):
        differs.append(f"its alpha is {alpha:g}; it is rounded")
    names: tuple[str, ...] = (ALL_LINEAR,)
    if isinstance(targets, list) and 0 < len(targets) <= MOST_TARGETS and all(_named(t) for t in targets):
        names = tuple(sorted(set(targets)))
    elif targets != ALL_LINEAR:
        differs.append("its targets are given by a pattern or not at all; all linear layers are taken")
    return replace(facts, rank=rank, alpha=float(alpha), dropout=float(dropout), targets=names, differs=tuple(differs))


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**31


def _named(target: Any) -> bool:
    return isinstance(target, str) and 0 < len(target) <= NAME_LIMIT


def _wrong(folder: Path, said: str) -> Exception:
    return fail(
        f"{CODE}_damaged",
        f"{folder / CONFIG} cannot be used: {said}.",
        "Fetch the adapter again, or choose another one.",
    )
