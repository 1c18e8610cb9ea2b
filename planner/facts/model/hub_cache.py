"""What the Hugging Face libraries have downloaded to this computer, with what is missing of it said plainly.

Layout (huggingface_hub 2.4): `models--OWNER--NAME` with blobs (bytes by their sum), snapshots (folders of links into
blobs, by revision) and refs (which revision a branch was). Nothing is fetched, opened by a library, or followed out of
the cache but by such a link.
"""

from __future__ import annotations

import os
from pathlib import Path

from planner.facts.model.folder_state import AGAIN, GATED, MODEL, PARTIAL, WHOLE, CachedModel, look_at
from planner.units import words

PREFIX = "models--"
INCOMPLETE = ".incomplete"
MOST_REPOSITORIES, MOST_BLOBS = 5000, 20_000
HUB = "https://huggingface.co"


def place() -> Path:
    """Where the Hugging Face libraries keep downloads, by their own variables."""
    if cache := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(home).expanduser() / "hub"


def page(name: str) -> str:
    """The address of a model's page."""
    return f"{os.environ.get('HF_ENDPOINT', '').rstrip('/') or HUB}/{name}"


def name_in_cache(path: Path) -> str:
    """The model's name where a path lies in a revision of it, whose own name is only a sum; empty elsewhere."""
    for folder in (path, path.parent):
        if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith(PREFIX):
            own = f"/{path.stem}" if folder != path else ""
            return _model_name(folder.parent.parent) + own
    return ""


def _model_name(repository: Path) -> str:
    return repository.name.removeprefix(PREFIX).replace("--", "/")


def cached(hub: Path | None = None) -> tuple[CachedModel, ...]:
    """Everything in the cache by name, whole or not. Never raises; what cannot be looked at is passed over."""
    found: list[CachedModel] = []
    for repository in _folders(place() if hub is None else hub)[:MOST_REPOSITORIES]:
        if repository.name.startswith(PREFIX):
            found += repository_models(repository)
    return tuple(sorted(found, key=lambda m: m.name.lower()))


def repository_models(repository: Path) -> tuple[CachedModel, ...]:
    """What one repository of the cache holds: its newest revision that is whole, else its newest one."""
    name = _model_name(repository)
    looked = [seen for snapshot in _snapshots(repository) if (seen := look_at(snapshot, name))]
    whole = next((seen for seen in looked if all(m.state == WHOLE for m in seen)), None)
    if whole is not None:
        return whole
    under_way = _incomplete_bytes(repository)
    if looked and not under_way:
        return looked[0]
    if under_way is not None:
        kept = sum(m.bytes for m in looked[0]) if looked else 0
        says = f"Its download was not finished: {words(kept + under_way)} are here. {AGAIN}"
        place_ = looked[0][0].path if looked else repository
        return (CachedModel(name, place_, looked[0][0].kind if looked else MODEL, kept + under_way, PARTIAL, says),)
    if _asked_for(repository) and not _has_files(repository):
        return (CachedModel(name, repository, MODEL, 0, GATED, _refused(name)),)
    return ()


def _refused(name: str) -> str:
    return (
        "It was asked for, and nothing arrived: its owner may let only those have it who have agreed to something. Open "
        f"{page(name)}, agree there, log in with `hf auth login`, and download it again."
    )


def _snapshots(repository: Path) -> list[Path]:
    """Revisions, that of the branch `main` first, then the newest."""
    main = _read(repository / "refs" / "main")
    found = sorted(_folders(repository / "snapshots"), key=_age, reverse=True)
    return sorted(found, key=lambda s: s.name != main)


def _incomplete_bytes(repository: Path) -> int | None:
    """Bytes of blobs that a download has begun; None where there are none."""
    try:
        with os.scandir(repository / "blobs") as entries:
            found = []
            for n, entry in enumerate(entries):
                if n == MOST_BLOBS:
                    break
                if entry.name.endswith(INCOMPLETE):
                    found.append(entry.stat().st_size)
    except OSError:
        return None
    return sum(found) if found else None


def _asked_for(repository: Path) -> bool:
    try:
        return any((repository / "refs").iterdir())
    except OSError:
        return False


def _has_files(repository: Path) -> bool:
    """Whether any file of the repository has come: then it is something else than a model."""
    try:
        return any(any(s.iterdir()) for s in _folders(repository / "snapshots"))
    except OSError:
        return False


def _folders(parent: Path) -> list[Path]:
    try:
        return [p for p in parent.iterdir() if p.is_dir()]
    except (OSError, ValueError):
        return []


def _age(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(200).decode("ascii", "replace").strip()
    except OSError:
        return ""
