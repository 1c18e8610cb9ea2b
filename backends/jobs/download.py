"""Fetches a model's files from the Hub into the Hugging Face cache, where every program of this computer finds them.

Asked for by a person, and only after the size was said. Only files that cannot run are taken. The library keeps no
unfinished file, so the bytes are put beside its own blobs under one name for each sum, a second try goes on at their
end, and the library then makes its links to them. The person's own login is used; it is neither kept nor told here.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path
from typing import Any

from backends.hub_file import UNFINISHED, Progress, StoppedError, bring
from backends.hub_problems import told
from backends.report import Report
from planner.problem import ProblemError, fail
from planner.run import events
from planner.run.jobs import DownloadSpec
from planner.run.results import save
from planner.run.transfer import OFFER, SPARE_BYTES, WEIGHTS, Offer, OfferedFile, is_name, wanted
from planner.units import words


def run(spec: DownloadSpec, report: Report) -> events.Finished:
    """Raises ProblemError `download.*`."""
    report.started(libraries=("huggingface_hub",))
    report.phase("ask", spec.name)
    if not is_name(spec.name):
        raise fail(
            "download.not_a_name", f"{spec.name!r:.120} is not a name on the Hub.", "Such names are like owner/model."
        )
    with told(spec.name):
        offer = _offer(spec)
        save(offer, report.run_dir / OFFER)
        if spec.look:
            return report.ending(str(report.run_dir / OFFER), "", offer.sentence)
        _check_disk(offer)
        progress = Progress(report, offer)
        try:
            for file in offer.files:
                _fetch(offer, file, progress)
        except StoppedError:
            kept = words(progress.done)
            return report.ending("", "", f"Stopped; {kept} are kept, and it can go on from there.", outcome="stopped")
    folder = Path(offer.place) / _folder_name(spec.name) / "snapshots" / offer.revision
    return report.ending(str(folder), "", f"{spec.name} is here: {words(offer.bytes)}.")


def _offer(spec: DownloadSpec) -> Offer:
    """What the page holds of the wanted kinds, and whether this person may have it."""
    from huggingface_hub import HfApi, constants

    info = HfApi().model_info(spec.name, files_metadata=True)
    if spec.revision and info.sha != spec.revision:
        raise fail("download.changed", f"{spec.name} has changed meanwhile.", "Ask for it again.")
    place = Path(constants.HF_HUB_CACHE)
    sizes = {s.rfilename: s for s in info.siblings or []}
    names = wanted(sizes)
    page = f"{constants.ENDPOINT}/{spec.name}"
    if not any(n.endswith(WEIGHTS) for n in names):
        raise _no_weights(spec.name, tuple(sizes), page)
    assert info.sha is not None
    blobs = place / _folder_name(spec.name) / "blobs"
    files = []
    for name in names:
        found = sizes[name]
        tag = found.lfs.sha256 if found.lfs else found.blob_id or ""
        size = int(found.size or 0)
        files.append(OfferedFile(name, size, min(size, _here(blobs, tag))))
    _metadata(spec.name, next(n for n in names if n.endswith(WEIGHTS)), info.sha)  # refused now, not after gigabytes
    return Offer(spec.name, info.sha, tuple(files), _free(place), str(place), page)


def _here(blobs: Path, tag: str) -> int:
    """Bytes of a file that came already, by its sum."""
    if not re.fullmatch(r"[0-9a-f]{40,64}", tag):
        return 0
    for path in (blobs / tag, blobs / f"{tag}{UNFINISHED}"):
        with contextlib.suppress(OSError):
            return path.stat().st_size
    return 0


def _folder_name(name: str) -> str:
    return f"models--{name.replace('/', '--')}"


def _free(place: Path) -> int:
    """Free bytes where the cache is, or will be."""
    there = next((p for p in (place, *place.parents) if p.exists()), place)
    return shutil.disk_usage(there).free


def _check_disk(offer: Offer) -> None:
    need = offer.left_bytes + SPARE_BYTES
    if need > offer.free_bytes:
        raise fail(
            "download.disk_full",
            f"{offer.name} needs {words(need)} more on the disk, and {words(offer.free_bytes)} are free in {offer.place}.",
            "Free some space, or set HF_HOME to a folder on another disk. Nothing was fetched.",
        )


def _no_weights(name: str, files: tuple[str, ...], page: str) -> ProblemError:
    if any(f.endswith(".gguf") for f in files):
        what = "GGUF files only; fetch one from its page yourself and drop it on the window"
    elif any(f.endswith((".bin", ".pt", ".pth", ".ckpt")) for f in files):
        what = (
            "its weights as pickle files only, which can run any program when they are opened; they are never fetched"
        )
    else:
        what = "no weights as safetensors"
    return fail("download.no_safetensors", f"{name} holds {what}.", f"Its page is {page}.")


def _metadata(name: str, file: str, revision: str) -> Any:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    return get_hf_file_metadata(hf_hub_url(name, file, revision=revision))


def _fetch(offer: Offer, file: OfferedFile, progress: Progress) -> None:
    """One file: its bytes beside the blobs, checked, then the library's own name and links for it."""
    from huggingface_hub import hf_hub_download, hf_hub_url
    from huggingface_hub.utils._fixes import WeakFileLock

    progress.begin(file)
    storage = Path(offer.place) / _folder_name(offer.name)
    if not (storage / "snapshots" / offer.revision / file.name).exists():
        found = _metadata(offer.name, file.name, offer.revision)
        if not found.etag or not re.fullmatch(r"[0-9A-Za-z_-]{8,128}", found.etag):
            raise fail("download.server", f"The Hub does not say what {file.name} should be.", "Try again later.")
        blob = storage / "blobs" / found.etag
        lock = Path(offer.place) / ".locks" / storage.name / f"{found.etag}.lock"
        for folder in (blob.parent, lock.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):
            if not blob.exists():
                url = hf_hub_url(offer.name, file.name, revision=offer.revision)
                bring(blob, found, url, file, progress)
        hf_hub_download(offer.name, file.name)  # its bytes are there: it makes the links
    progress.end(file)
