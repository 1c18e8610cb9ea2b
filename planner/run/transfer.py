"""What a download from the Hub would bring, and how far it is: plain values that worker, window and command line share.

It knows which files of a page are taken (safetensors, JSON, tokenizers: nothing that can run) and how sizes are said.
Nothing is fetched here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from planner.units import words

OFFER = "offer.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?")
WEIGHTS = ".safetensors"
TOKENIZER_FILES = ("tokenizer.model", "vocab.txt", "merges.txt", "spiece.model", "sentencepiece.bpe.model")
ENDINGS = (".json", ".jinja")
SINGLE, INDEX, ADAPTER = "model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors"
SPARE_BYTES = 256 * 1024**2
"""Left free on the disk: what else is written meanwhile should not fail because of a download."""
PROGRESS = re.compile(r"([\d,]+) of ([\d,]+) bytes, ([\d,]+) a second: (.*)", re.DOTALL)
PHASE = "download"


@dataclass(frozen=True)
class OfferedFile:
    """One file of the page. here: how many of its bytes are on this computer already."""

    name: str
    bytes: int
    here: int = 0


@dataclass(frozen=True)
class Offer:
    """What would be fetched. revision: the very state of the page that was looked at. place: the cache it goes into."""

    name: str
    revision: str
    files: tuple[OfferedFile, ...]
    free_bytes: int
    place: str
    page: str

    @property
    def bytes(self) -> int:
        return sum(f.bytes for f in self.files)

    @property
    def left_bytes(self) -> int:
        return sum(f.bytes - f.here for f in self.files)

    @property
    def sentence(self) -> str:
        """`org/model: 9 files, 269 MiB; 120 MiB of them are here already. 80 GiB are free in …`."""
        n = len(self.files)
        here = self.bytes - self.left_bytes
        whole = f"{self.name}: {n} file{'s' if n != 1 else ''}, {words(self.bytes)}"
        already = f"; {words(here)} of them are here already" if here else ""
        return f"{whole}{already}. {words(self.free_bytes)} are free in {self.place}."

    @property
    def listed(self) -> str:
        """Each file with its size, a line each."""
        return "\n".join(f"{f.name}  {words(f.bytes)}" for f in self.files)


@dataclass(frozen=True)
class Moved:
    """How far a download is; `detail` is the text of it in the journal, which `moved` reads back."""

    done: int
    of: int
    bytes_per_s: int
    file: str

    @property
    def detail(self) -> str:
        return f"{self.done:,} of {self.of:,} bytes, {self.bytes_per_s:,} a second: {self.file}"

    @property
    def sentence(self) -> str:
        left = f", {_time(max(0, self.of - self.done) / self.bytes_per_s)} left" if self.bytes_per_s else ""
        return f"{words(self.done)} of {words(self.of)}, {words(self.bytes_per_s)} a second{left} · {self.file}"


def moved(detail: str) -> Moved | None:
    """The progress in a phase's detail; None where it holds none."""
    found = PROGRESS.fullmatch(detail)
    if found is None:
        return None
    done, of, rate = (int(found[i].replace(",", "")) for i in (1, 2, 3))
    return Moved(done, of, rate, found[4])


def _time(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


def is_name(text: str) -> bool:
    """Whether a text can be the name of a model on the Hub: `owner/model`, or one word for old ones."""
    return NAME.fullmatch(text) is not None and ".." not in text and "--" not in text


def wanted(names: Iterable[str]) -> tuple[str, ...]:
    """Of the files of a page those that are taken: at its top, weights as safetensors, JSON, templates, tokenizers.

    Where the weights lie in `model*.safetensors`, others of that ending are copies in another layout.
    """
    top = [n for n in names if "/" not in n and "\\" not in n]
    weights = [n for n in top if n.endswith(WEIGHTS)]
    if SINGLE in weights:
        weights = [SINGLE]
    elif INDEX in top:
        weights = [n for n in weights if n.startswith("model")]
    elif ADAPTER in weights:
        weights = [ADAPTER]
    text = [n for n in top if n.endswith(ENDINGS) or n in TOKENIZER_FILES]
    if SINGLE in weights:
        text = [n for n in text if n != INDEX]
    return tuple(sorted({*weights, *text}))
