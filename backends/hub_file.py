"""Brings the bytes of one file of the Hub to where its cache keeps them, from where an earlier try stopped.

huggingface_hub 2.4 throws away what it has of a file when a download ends early; here the bytes wait under one name for
each sum. It knows nothing of pages and models, and follows the library for requests, headers and retries.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from backends.report import Report
from planner.problem import fail
from planner.run import inbox
from planner.run.transfer import PHASE, Moved, Offer, OfferedFile

CHUNK_BYTES = 64 * 1024
TELL_EVERY_S = 0.3
RATE_OVER_S = 5.0
UNFINISHED = ".plimsoll.incomplete"
PIECE_BYTES = 4 * 1024**2


class StoppedError(Exception):
    """The person does not want it any more; what came is kept."""


def bring(blob: Path, found: Any, url: str, file: OfferedFile, progress: Progress) -> None:
    """The bytes of one blob, from where an earlier try stopped; whole and of the right sum, or a problem."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils._headers import build_hf_headers

    constants.DOWNLOAD_CHUNK_SIZE = CHUNK_BYTES  # its own 10 MiB are lost when a line is cut, and keep a wish waiting
    size = int(found.size if found.size is not None else file.bytes)
    aside = blob.with_name(f"{blob.name}{UNFINISHED}")
    headers = build_hf_headers()
    if urlsplit(found.location).netloc != urlsplit(url).netloc:
        headers.pop("authorization", None)  # a login is for the Hub, not for where it sends us
    with aside.open("ab") as out:
        if out.tell() > size:
            out.truncate(0)
        progress.at(out.tell())
        if out.tell() < size:
            counted: Any = _Counted(out, progress)
            http_get(found.location, counted, resume_size=out.tell(), headers=headers, expected_size=size)
    if not _is_right(aside, size, blob.name):
        aside.unlink()
        raise fail(
            "download.damaged", f"What arrived as {file.name} is not what the Hub says it should be.", "Try again."
        )
    aside.replace(blob)


def _is_right(path: Path, size: int, tag: str) -> bool:
    """By size, and by sum: a large file's tag is its sha256, a small one's is git's sum of it."""
    if path.stat().st_size != size:
        return False
    digest = hashlib.sha256() if len(tag) == 64 else hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    if len(tag) not in (40, 64):
        return True
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest() == tag


class _Counted:
    """A file that tells how much was written to it; what the library asks of a file, and no more."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file, self._progress = file, progress

    def write(self, piece: bytes) -> int:
        n = self._file.write(piece)
        self._progress.add(n)
        return n

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def truncate(self) -> int:
        at = self._file.truncate()
        self._progress.at(at)
        return at


class Progress:
    """Counts bytes over all files, tells them now and then, and looks whether the person has changed their mind."""

    def __init__(self, report: Report, offer: Offer) -> None:
        self._report, self._of = report, offer.bytes
        self._before = self.done = 0
        self._file = ""
        self._told = 0.0
        self._marks: list[tuple[float, int]] = [(time.monotonic(), 0)]
        self._came = 0

    def begin(self, file: OfferedFile) -> None:
        self._file = file.name
        self._look()

    def end(self, file: OfferedFile) -> None:
        self._before += file.bytes
        self.done = self._before
        self._tell(last=self.done >= self._of)

    def at(self, n: int) -> None:
        """So many bytes of this file are here."""
        self.done = self._before + n

    def add(self, n: int) -> None:
        self.done += n
        self._came += n
        self._look()
        self._tell()

    def _look(self) -> None:
        if time.monotonic() - self._told > TELL_EVERY_S:
            commands, _problems = inbox.take(self._report.run_dir)
            if any(c.verb in ("stop", "release") for c in commands):
                raise StoppedError

    def _tell(self, *, last: bool = False) -> None:
        now = time.monotonic()
        if now - self._told < TELL_EVERY_S and not last:
            return
        self._told = now
        self._marks = [m for m in self._marks if now - m[0] < RATE_OVER_S][-100:] or self._marks[-1:]
        began, came = self._marks[0]
        self._marks.append((now, self._came))
        rate = round((self._came - came) / max(now - began, 0.001))
        self._report.phase(PHASE, Moved(self.done, self._of, rate, self._file).detail)
