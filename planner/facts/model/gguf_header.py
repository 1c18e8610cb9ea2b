"""Reads what a GGUF file says about itself: its settings, and names, types, shapes and places of its tensors. No weight.

Layout (ggml-org/ggml docs/gguf.md, versions 2 and 3): `GGUF`, version, counts, settings, tensors, then the data. All of
it is a stranger's claim: counts and lengths are held against the file's size before anything is made of them, a long
list is stepped over and only counted. It needs neither the gguf library nor the memory the file's lists would take.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from planner.assets import asset
from planner.facts.json_file import damaged, read_object, size_of
from planner.facts.model.safetensors_header import TensorHeader
from planner.problem import fail

CODE = "gguf.file"
MAGIC = b"GGUF"
VERSIONS = (2, 3)
HEADER_LIMIT_BYTES = 128 * 1024**2
MOST_TEXTS = 2**21  # in lists, over the whole file; the largest vocabulary with its merges has about a quarter of it
MOST_SETTINGS, MOST_TENSORS = 2**16, 2**18
KEPT_LIST = 2**12  # a longer list is counted and not kept
KEPT_TEXT_BYTES = 2**20
NAME_LIMIT_BYTES = 2**16
CHUNK_BYTES = 2**18
DEPTH = 4  # of lists in lists
STRING, ARRAY = 8, 9
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
LEAST_SETTING_BYTES, LEAST_TENSOR_BYTES = 13, 24


class Long(NamedTuple):
    """Stands for a list or text that was too long to be kept. n: how many entries, or bytes, it has."""

    n: int


class TensorType(NamedTuple):
    """How one type of tensor is packed: every `block` elements take `bytes`."""

    name: str
    block: int
    bytes: int
    unpacked: bool


@dataclass(frozen=True)
class GgufHeader:
    """One file. settings: by key, lists as tuples or `Long`. tensors: shapes as torch has them, the last one innermost."""

    path: Path
    version: int
    settings: dict[str, Any]
    tensors: dict[str, TensorHeader]

    def count(self, key: str) -> int:
        """Entries of a list; 0 where there is no such list."""
        found = self.settings.get(key)
        return found.n if isinstance(found, Long) else len(found) if isinstance(found, tuple) else 0


@cache
def tensor_types() -> dict[int, TensorType]:
    raw = read_object(asset("ggml_types.json"), CODE)["types"]
    return {t["id"]: TensorType(name, t["block"], t["bytes"], t["unpacked"]) for name, t in raw.items()}


def read_gguf_header(path: Path) -> GgufHeader:
    """The header of one file. Raises ProblemError `gguf.file_unreadable`, `gguf.file_damaged`, `gguf.cut_short`,
    `gguf.version`, `gguf.tensor_type`."""
    size_of(path, CODE)  # refuses what is not a regular file, without opening it
    try:
        with path.open("rb") as file:
            return _Reader(file, os.fstat(file.fileno()).st_size, path).read()
    except OSError as error:
        said = error.strerror or "cannot be read"
        raise fail(f"{CODE}_unreadable", f"{path}: {said}.", "Check who may read the file.") from None


class _Reader:
    """Walks over one header from front to back, and never past the end of the file."""

    def __init__(self, file: BinaryIO, size: int, path: Path) -> None:
        self.file, self.size, self.path = file, size, path
        self.order = "<"
        self.buffer, self.start, self.at = b"", 0, 0  # start: of the buffer in the file; at: in the buffer
        self.texts = 0

    def read(self) -> GgufHeader:
        if self.take(4) != MAGIC:
            raise self.damaged("it is not a GGUF file")
        raw = self.take(4)
        if raw[0] == raw[1] == 0:  # a small number whose first bytes are zeros was written the other way round
            self.order = ">"
        (version,) = struct.unpack(f"{self.order}I", raw)
        if version not in VERSIONS:
            raise fail(
                "gguf.version",
                f"{self.path.name} is of version {version} of the GGUF format; versions 2 and 3 can be read.",
                "Fetch a newer file of this model, or its safetensors version.",
            )
        n_tensors, n_settings = self.number("Q"), self.number("Q")
        if n_settings > min(MOST_SETTINGS, self.size // LEAST_SETTING_BYTES):
            raise self.damaged(f"it announces {n_settings:,} settings")
        if n_tensors > min(MOST_TENSORS, self.size // LEAST_TENSOR_BYTES):
            raise self.damaged(f"it announces {n_tensors:,} tensors")
        settings: dict[str, Any] = {}
        for _ in range(n_settings):
            key = self.name()
            if key in settings:
                raise self.damaged(f"it has the setting {key[:80]!r} twice")
            settings[key] = self.value(self.number("I"), 0)
        alignment = settings.get("general.alignment", 32)
        if type(alignment) is not int or not 0 < alignment <= 2**20 or alignment % 8:
            raise self.damaged(f"its alignment is {alignment!r:.40}")
        entries = [self.tensor(alignment) for _ in range(n_tensors)]
        begin = -(-self.position // alignment) * alignment
        return GgufHeader(self.path, version, settings, self.placed(entries, begin))

    def tensor(self, alignment: int) -> TensorHeader:
        """One entry of the table, its place still counted from the beginning of the data."""
        name, n_dims = self.name(), self.number("I")
        if not 0 < n_dims <= 4:
            raise self.damaged(f"{name[:80]!r} has {n_dims:,} dimensions")
        dims = [self.number("Q") for _ in range(n_dims)]
        kind, begin = self.number("I"), self.number("Q")
        packed = tensor_types().get(kind)
        if packed is None:
            raise fail(
                "gguf.tensor_type",
                f"{name[:80]!r} in {self.path.name} is packed as type {kind}, which is not known.",
                "The file is newer than this program, or damaged. Choose the model's safetensors version.",
            )
        elements = 1
        for d in dims:
            elements *= d
        if not 0 < elements < 2**62 or dims[0] % packed.block or begin % alignment or begin >= 2**62:
            raise self.damaged(f"the entry of {name[:80]!r} contradicts itself")
        end = begin + elements // packed.block * packed.bytes
        return TensorHeader(name, packed.name, tuple(reversed(dims)), begin, end, self.path)

    def placed(self, entries: list[TensorHeader], begin: int) -> dict[str, TensorHeader]:
        """The tensors by name, each inside the file and beside the others."""
        found: dict[str, TensorHeader] = {}
        reached = 0
        for t in sorted(entries, key=lambda t: (t.begin, t.end)):
            if t.begin < reached:
                raise self.damaged(f"the bytes of {t.name[:80]!r} overlap others")
            if t.name in found:
                raise self.damaged(f"it has the tensor {t.name[:80]!r} twice")
            reached = t.end
            found[t.name] = TensorHeader(t.name, t.dtype, t.shape, begin + t.begin, begin + t.end, t.file)
        if begin + reached > self.size and entries:
            raise fail(
                "gguf.cut_short",
                f"{self.path.name} should have {begin + reached:,} bytes and has {self.size:,}: it was not fetched whole.",
                "Fetch the file again.",
            )
        return found

    # values

    def value(self, kind: int, depth: int) -> Any:
        if kind in NUMBERS:
            return self.number(NUMBERS[kind])
        if kind == STRING:
            length = self.number("Q")
            if length > KEPT_TEXT_BYTES:
                self.skip(length)
                return Long(length)
            return self.take(length).decode("utf-8", "replace")
        if kind != ARRAY or depth >= DEPTH:
            raise self.damaged(f"it has a setting of the unknown kind {kind}")
        inner, n = self.number("I"), self.number("Q")
        if inner in NUMBERS:
            width = struct.calcsize(NUMBERS[inner])
            if n <= KEPT_LIST:
                return struct.unpack(f"{self.order}{n}{NUMBERS[inner]}", self.take(n * width))
            self.skip(n * width)
            return Long(n)
        self.reach(8 * n)  # each says its length, in eight bytes
        self.texts += n
        if self.texts > MOST_TEXTS:
            raise self.damaged(f"it has a list of {n:,} entries")
        if n <= KEPT_LIST:
            return tuple([self.value(inner, depth + 1) for _ in range(n)])
        if inner != STRING:
            raise self.damaged(f"it has a list of {n:,} lists")
        for _ in range(n):
            self.skip(self.number("Q"))
        return Long(n)

    def name(self) -> str:
        length = self.number("Q")
        if length > NAME_LIMIT_BYTES:
            raise self.damaged(f"it has a name of {length:,} bytes")
        return self.take(length).decode("utf-8", "replace")

    def number(self, form: str) -> Any:
        width = struct.calcsize(f"<{form}")
        return struct.unpack(f"{self.order}{form}", self.take(width))[0]

    # bytes

    @property
    def position(self) -> int:
        return self.start + self.at

    def take(self, n: int) -> bytes:
        """The next n bytes."""
        if self.at + n > len(self.buffer):
            self.fill(n)
        found = self.buffer[self.at : self.at + n]
        self.at += n
        return found

    def skip(self, n: int) -> None:
        if self.at + n <= len(self.buffer):
            self.at += n
            return
        self.reach(n)
        self.start, self.at, self.buffer = self.position + n, 0, b""

    def fill(self, n: int) -> None:
        self.reach(n)
        self.start, self.at = self.position, 0
        self.file.seek(self.start)
        self.buffer = self.file.read(max(n, CHUNK_BYTES))
        if len(self.buffer) < n:
            raise self.damaged("it became shorter while it was read")

    def reach(self, n: int) -> None:
        """Whether n more bytes are there, and could be part of a header."""
        if self.position + n > self.size:
            raise fail(
                "gguf.cut_short",
                f"{self.path.name} ends in the middle of its own description: it was not fetched whole.",
                "Fetch the file again.",
            )
        if self.position + n > HEADER_LIMIT_BYTES:
            raise self.damaged(f"its description is longer than {HEADER_LIMIT_BYTES:,} bytes")

    def damaged(self, said: str) -> Exception:
        return damaged(CODE, self.path.name, said)
