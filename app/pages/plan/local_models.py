"""Models that already lie on this computer: in the program's own folder and in the Hugging Face cache. Qt-free.

Only folders are listed and only `config.json` is looked for; nothing is opened, fetched or followed out of the cache.
"""

from __future__ import annotations

import os
from pathlib import Path

from planner.run.home import EXAMPLE_MODEL, models_dir


def hub_cache() -> Path:
    """Where the Hugging Face libraries keep downloads, by their own variables."""
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache)
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(home) / "hub"


def local_models() -> list[tuple[str, Path]]:
    """(name, folder) of every model folder found, by name; unreadable places are passed over."""
    found = {}
    for folder in _folders(models_dir()):
        if folder.name != EXAMPLE_MODEL and _holds_model(folder):
            found[folder.name] = folder
    for repository in _folders(hub_cache()):
        if not repository.name.startswith("models--"):
            continue
        name = repository.name.removeprefix("models--").replace("--", "/")
        snapshots = sorted(_folders(repository / "snapshots"), key=_age, reverse=True)
        newest = next((s for s in snapshots if _holds_model(s)), None)
        if newest is not None:
            found[name] = newest
    return sorted(found.items(), key=lambda pair: pair[0].lower())


def _folders(parent: Path) -> list[Path]:
    try:
        return [p for p in parent.iterdir() if p.is_dir()]
    except OSError:
        return []


def _holds_model(folder: Path) -> bool:
    try:
        return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))
    except OSError:
        return False


def _age(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
