"""Every model on this computer that the program can find, what a chosen path is, and the base model of an adapter.

It joins the program's own folder and the Hugging Face cache. The scans themselves are `folder_state` and `hub_cache`;
nothing is fetched.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from planner.facts.model import catalogue
from planner.facts.model.adapter import AdapterFacts
from planner.facts.model.facts import ModelFacts
from planner.facts.model.folder import read_folder
from planner.facts.model.folder_state import GGUF, MODEL, WHOLE, CachedModel, look_at
from planner.facts.model.gguf import read_gguf
from planner.facts.model.gguf_parts import folder_file, is_gguf, plain_name
from planner.facts.model.hub_cache import cached, name_in_cache, page
from planner.presets import embedded_model
from planner.problem import ProblemError, fail
from planner.run.home import EXAMPLE_MODEL, converted_dir, example_model_dir, models_dir

MOST_FOLDERS = 2000


def models_here() -> tuple[CachedModel, ...]:
    """Whole and unfinished models, adapters and GGUF files, by name; not the embedded model, which has its own place."""
    found: list[CachedModel] = []
    for parent in (models_dir(), converted_dir()):
        for folder in _folders(parent):
            if folder.name != EXAMPLE_MODEL and not folder.name.startswith("."):
                found += look_at(folder, folder.name)
        found += [replace(m, name=plain_name(m.path)) for m in look_at(parent, parent.name) if m.kind == GGUF]
    return tuple(sorted([*found, *cached()], key=lambda m: m.name.lower()))


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(p for p in parent.iterdir() if p.is_dir())[:MOST_FOLDERS]
    except OSError:
        return []


def read_model(path: Path | str, *, name: str = "") -> ModelFacts:
    """The facts of a folder, a GGUF file, or a folder that holds one. Raises ProblemError `model.*`, `gguf.*`."""
    chosen = Path(path)
    name = name or name_in_cache(chosen)
    if is_gguf(chosen) and not chosen.is_dir():
        return read_gguf(chosen, name=name)
    try:
        return read_folder(chosen, name=name)
    except ProblemError as error:
        if error.problem.code != "model.is_gguf":
            raise
    file = folder_file(chosen)
    assert file is not None
    return read_gguf(file, name=name)


def base_of(adapter: AdapterFacts, here: tuple[CachedModel, ...] | None = None) -> ModelFacts:
    """The model that an adapter was trained on: as it lies on this computer, else its shapes from the catalogue.

    Raises ProblemError `adapter.no_base`, `adapter.base_unknown`, and what reading the model raises.
    """
    if not adapter.base:
        raise fail(
            "adapter.no_base", f"{adapter.name} does not say which model it was trained on.", "Choose that model."
        )
    folder = base_folder(adapter.base, here)
    if folder is not None and folder != example_model_dir():
        return read_folder(folder, name=adapter.base if "/" in adapter.base and not _is_path(adapter.base) else "")
    if _last(adapter.base) == EXAMPLE_MODEL.casefold():
        return embedded_model()
    try:
        return catalogue.find(adapter.base)
    except ProblemError:
        where = "" if _is_path(adapter.base) else f" Its page is {page(adapter.base)}."
        raise fail(
            "adapter.base_unknown",
            f"{adapter.name} was trained on {adapter.base}, which is neither on this computer nor in the catalogue.",
            f"Download that model, or choose its folder and plan a LoRA on it.{where}",
        ) from None


def base_folder(base: str, here: tuple[CachedModel, ...] | None = None) -> Path | None:
    """The folder of a model by its name or path; None where it is not on this computer, or not whole."""
    if _is_path(base):
        try:
            return Path(base) if (Path(base) / "config.json").is_file() else None
        except (OSError, ValueError):
            return None
    models = [m for m in (models_here() if here is None else here) if m.kind == MODEL and m.state == WHOLE]
    exact = next((m.path for m in models if m.name.casefold() == base.casefold()), None)
    own = exact or next((m.path for m in models if "/" not in m.name and m.name.casefold() == _last(base)), None)
    example = example_model_dir()
    if own is None and _last(base) == EXAMPLE_MODEL.casefold() and (example / "config.json").is_file():
        return example
    return own


def _is_path(base: str) -> bool:
    return base.startswith((".", "/", "~")) or "\\" in base or base.count("/") > 1


def _last(base: str) -> str:
    return base.rsplit("/", 1)[-1].casefold()
