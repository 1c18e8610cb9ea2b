"""Caches put together at random: files, links to nowhere and to themselves, damaged weights. A list comes of it, always."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.model.hub_cache import cached, name_in_cache
from tests.fuzz import CASES

NAMES = st.sampled_from(
    [
        "config.json",
        "model.safetensors",
        "model.safetensors.index.json",
        "model-00001-of-00002.safetensors",
        "x.gguf",
        "x-00001-of-00003.gguf",
        "adapter_config.json",
        "adapter_model.safetensors",
        "pytorch_model.bin",
        "tokenizer.json",
        "é",
    ]
)
SAID = st.sampled_from(
    [
        b"",
        b"{}",
        b"[]",
        b'{"weight_map":{"a":"b.safetensors"}}',
        b'{"weight_map":[1]}',
        b'{"peft_type":"LORA","r":4}',
        b"\x02\x00\x00\x00\x00\x00\x00\x00{}",
        b"GGUF\x03\x00\x00\x00" + bytes(16),
        b"\xff" * 12,
    ]
) | st.binary(max_size=60)
ENTRY = st.tuples(st.sampled_from(["file", "blob", "dangling", "loop", "folder"]), NAMES, SAID)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@settings(max_examples=CASES, deadline=None)
@given(
    repository=st.sampled_from(["models--org--x", "models--", "models--a--b--c", "models----"]),
    snapshots=st.dictionaries(st.sampled_from(["abc", "def", ".x"]), st.lists(ENTRY, max_size=6), max_size=3),
    refs=st.binary(max_size=20) | st.none(),
    unfinished=st.integers(0, 2),
)
def test_any_cache(
    place: Path,
    repository: str,
    snapshots: dict[str, list[tuple[str, str, bytes]]],
    refs: bytes | None,
    unfinished: int,
) -> None:
    shutil.rmtree(place / "hub", ignore_errors=True)
    root = place / "hub" / repository
    blobs = root / "blobs"
    blobs.mkdir(parents=True)
    for n in range(unfinished):
        (blobs / f"{n}.incomplete").write_bytes(b"x" * n)
    if refs is not None:
        (root / "refs").mkdir()
        (root / "refs" / "main").write_bytes(refs)
    for revision, entries in snapshots.items():
        folder = root / "snapshots" / revision
        folder.mkdir(parents=True)
        for number, (kind, name, said) in enumerate(entries):
            path = folder / name
            if path.exists() or path.is_symlink():
                continue
            if kind == "file":
                path.write_bytes(said)
            elif kind == "blob":
                blob = blobs / f"{revision}{number}"
                blob.write_bytes(said)
                path.symlink_to(blob)
            elif kind == "folder":
                path.mkdir()
            else:
                path.symlink_to(path if kind == "loop" else blobs / "gone")
    for model in cached(place / "hub"):
        assert model.state in ("whole", "partial", "broken", "gated")
        assert bool(model.says) is (model.state != "whole")
        assert isinstance(name_in_cache(model.path), str)
