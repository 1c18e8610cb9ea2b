"""Where the program keeps a person's runs, plans and models, said once. It makes no folder and reads none."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

APP = "plimsoll"
HOME_VARIABLE = "PLIMSOLL_HOME"
EXAMPLE_MODEL = "SmolLM2-135M-Instruct"


def _chosen() -> Path | None:
    value = os.environ.get(HOME_VARIABLE, "")
    return Path(value).expanduser().absolute() if value else None


def home() -> Path:
    """The folder of a person's own data; `PLIMSOLL_HOME` overrides it."""
    return _chosen() or Path(platformdirs.user_data_dir(APP, appauthor=False))


def home_found() -> dict[str, str]:
    """What a process that works in another folder needs to find the same home: a chosen one may be given as seen from here."""
    chosen = _chosen()
    return {HOME_VARIABLE: str(chosen)} if chosen else {}


def runs_dir() -> Path:
    """One folder per run lies in here."""
    return home() / "runs"


def models_dir() -> Path:
    """Models the program fetched or converted; a cache, so it may be deleted without losing a person's work."""
    chosen = _chosen()
    return (chosen or Path(platformdirs.user_cache_dir(APP, appauthor=False))) / "models"


def converted_dir() -> Path:
    """Folders that GGUF files were turned into, by the sum of the file; they may be deleted, and are then made anew."""
    return models_dir() / "converted"


def example_model_dir() -> Path:
    """The embedded model after `plimsoll get-example`."""
    return models_dir() / EXAMPLE_MODEL
