"""Reads what a safetensors file says about itself: names, dtypes, shapes and where the bytes lie. Never the weights.

Layout (huggingface/safetensors): 8 bytes little-endian length N, N bytes of JSON, then the data, without holes. The
header is a stranger's claim, so every figure in it is checked against the size of the file before it is believed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.facts.json_file import damaged, parse_object, read_object, size_of
from planner.problem import fail

HEADER_LIMIT_BYTES = 100_000_000  # the limit of the safetensors library itself
INDEX_LIMIT_BYTES = 64 * 1024**2
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
CODE = "model.weights"

BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
    "C64": 64,
}  # fmt: skip
TORCH_NAMES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """One stored tensor. begin, end: offsets of its bytes in `file`, counted from the file's start."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int
    file: Path

    @property
    def elements(self) -> int:
        n = 1
        for d in self.shape:
            n *= d
        return n

    @property
    def bytes(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True)
class StoredWeights:
    """All tensors of a checkpoint by name, over all its shards."""

    tensors: dict[str, TensorHeader]

    @property
    def bytes(self) -> int:
        return sum(t.bytes for t in self.tensors.values())

    @property
    def elements(self) -> int:
        return sum(t.elements for t in self.tensors.values())

    @property
    def dtype(self) -> str:
        """The dtype most of the bytes have, by torch's name where it has one; empty for an empty checkpoint."""
        share: dict[str, int] = {}
        for t in self.tensors.values():
            share[t.dtype] = share.get(t.dtype, 0) + t.bytes
        most = max(share, key=lambda d: share[d], default="")
        return TORCH_NAMES.get(most, most)


def read_header(path: Path) -> dict[str, TensorHeader]:
    """The tensors of one safetensors file. Raises ProblemError `model.weights_*`."""
    size_of(path, CODE)  # refuses what is not a regular file, without opening it
    try:
        with path.open("rb") as f:
            size = os.fstat(f.fileno()).st_size  # of the file opened, whatever takes its name meanwhile
            first = f.read(8)
            length = int.from_bytes(first, "little")
            if len(first) < 8 or length > HEADER_LIMIT_BYTES or length > size - 8:
                raise damaged(CODE, path.name, "it is cut short or no safetensors file")
            raw = f.read(length)
    except OSError as error:
        raise fail(
            f"{CODE}_unreadable", f"{path}: {error.strerror or 'cannot be read'}.", "Check who may read the file."
        ) from None
    if len(raw) < length or not raw.startswith(b"{"):
        raise damaged(CODE, path.name, "its header is not JSON")
    return _checked(parse_object(raw, path.name, CODE), path, start=8 + length, size=size)


def _checked(header: dict[str, Any], path: Path, *, start: int, size: int) -> dict[str, TensorHeader]:
    """Every tensor inside the file, of the size its dtype and shape give, without overlap or hole."""
    found = [_tensor(name, entry, path, start) for name, entry in header.items() if name != "__metadata__"]
    reached = start
    for t in sorted(found, key=lambda t: (t.begin, t.end)):
        if t.begin != reached:
            raise damaged(CODE, path.name, f"the bytes of {t.name[:80]!r} overlap others or leave a hole")
        reached = t.end
    if reached != size:
        raise damaged(CODE, path.name, f"its header describes {reached:,} bytes, the file has {size:,}")
    return {t.name: t for t in found}


def _tensor(name: str, entry: Any, path: Path, start: int) -> TensorHeader:
    wrong = damaged(CODE, path.name, f"the entry of {name[:80]!r} is not a tensor's")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise wrong
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise damaged(CODE, path.name, f"{name[:80]!r} has the unknown dtype {str(dtype)[:20]!r}")
    if not _sizes(shape) or len(shape) > 16 or not _sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise wrong
    t = TensorHeader(name, dtype, tuple(shape), start + offsets[0], start + offsets[1], path)
    if t.elements * BITS[dtype] != t.bytes * 8:
        raise damaged(CODE, path.name, f"{name[:80]!r} has {t.bytes:,} bytes, its shape and dtype say otherwise")
    return t


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(v) is int and 0 <= v < 2**62 for v in value)


def read_weights(folder: Path) -> StoredWeights | None:
    """Headers of `model.safetensors`, or of the shards its index names; None when the folder has neither."""
    if (folder / SINGLE).exists():
        return StoredWeights(read_header(folder / SINGLE))
    if not (folder / INDEX).exists():
        return None
    where = read_object(folder / INDEX, CODE, limit=INDEX_LIMIT_BYTES).get("weight_map")
    if not isinstance(where, dict) or not where or not all(isinstance(v, str) for v in where.values()):
        raise damaged(CODE, INDEX, "it has no weight_map from tensor names to file names")
    tensors: dict[str, TensorHeader] = {}
    for shard in sorted(set(where.values())):
        if "/" in shard or "\\" in shard or not shard.endswith(".safetensors"):
            raise damaged(CODE, INDEX, f"it names {shard[:80]!r}, which is no safetensors file of this folder")
        if not (folder / shard).exists():
            raise fail(
                "model.shard_missing",
                f"{INDEX} names {shard}, which is not in {folder}.",
                "The download is incomplete: fetch the missing file.",
            )
        for name, tensor in read_header(folder / shard).items():
            if name in tensors:
                raise damaged(CODE, shard, f"it holds {name[:80]!r} a second time")
            tensors[name] = tensor
    for name, shard in where.items():
        if name not in tensors or tensors[name].file.name != shard:
            raise damaged(CODE, INDEX, f"{name[:80]!r} is not in {shard[:80]!r}")
    return StoredWeights(tensors)
