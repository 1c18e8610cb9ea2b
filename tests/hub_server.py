"""A small server that speaks as much of the Hub's HTTP as huggingface_hub asks for, on this computer, in the test's process.

It serves real folders, with ranges, checks a login where a model is gated, and can cut a connection in the middle. What
was asked of it is kept, so that a test can say what went over the line.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PIECE_BYTES = 64 * 1024


@dataclass
class Hub:
    """models: folders by name. gated: names that want a token. cut_after: of the next answers, close the line after so
    many bytes; one entry is used up by each. claims: sizes told in place of the real ones. asked: (method, path, range)."""

    models: dict[str, Path]
    gated: set[str] = field(default_factory=set)
    token: str = "hf_right"
    cut_after: list[int] = field(default_factory=list)
    claims: dict[str, int] = field(default_factory=dict)
    spoiled: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    address: str = ""
    hold: threading.Event | None = None

    def fetched(self, name: str = "") -> list[tuple[str, str]]:
        """(file, range) of every file whose bytes were asked for."""
        return [
            (path.rsplit("/", 1)[-1], r)
            for method, path, r in self.asked
            if method == "GET" and "/resolve/" in path and name in path
        ]


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args: object) -> None:
        """Nothing on the terminal."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        path = self.path.split("?")[0]
        self.hub.asked.append((self.command, path, self.headers.get("Range", "")))
        self.hub.logins.append(self.headers.get("Authorization", ""))
        if "/tree/" in path:
            return self.tree(path.removeprefix("/api/models/").split("/tree/")[0])
        if path.startswith("/api/models/"):
            return self.info(path.removeprefix("/api/models/").split("/revision/")[0])
        name, found, rest = path.lstrip("/").partition("/resolve/")
        file = rest.partition("/")[2]
        folder = self.hub.models.get(name)
        if not found or folder is None or not (folder / file).is_file():
            return self.refuse(404, "RepoNotFound" if folder is None else "EntryNotFound")
        if name in self.hub.gated and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            return self.refuse(401, "GatedRepo")
        return self.file(folder / file, body)

    def refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def info(self, name: str) -> None:
        folder = self.hub.models.get(name)
        if folder is None:
            return self.refuse(401 if not self.headers.get("Authorization") else 404, "RepoNotFound")
        siblings = []
        for file, size, raw, big in self.files(folder):
            entry: dict[str, object] = {"rfilename": file, "size": size, "blobId": git_sum(raw)}
            if big:
                entry["lfs"] = {"sha256": hashlib.sha256(raw).hexdigest(), "size": size, "pointerSize": 130}
            siblings.append(entry)
        said = {"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
        self.say({**said, "gated": "manual" if name in self.hub.gated else False})

    def tree(self, name: str) -> None:
        folder = self.hub.models.get(name)
        if folder is None:
            return self.refuse(404, "RepoNotFound")
        entries = []
        for file, size, raw, big in self.files(folder):
            entry: dict[str, object] = {"type": "file", "path": file, "size": size, "oid": git_sum(raw)}
            if big:
                entry["lfs"] = {"oid": hashlib.sha256(raw).hexdigest(), "size": size, "pointerSize": 130}
            entries.append(entry)
        return self.say(entries)

    def files(self, folder: Path) -> Iterator[tuple[str, int, bytes, bool]]:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            raw = path.read_bytes()
            yield str(path.relative_to(folder)), self.hub.claims.get(path.name, len(raw)), raw, large(path)

    def say(self, value: object) -> None:
        raw = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def file(self, path: Path, body: bool) -> None:
        raw = path.read_bytes()
        tag = hashlib.sha256(raw).hexdigest() if large(path) else git_sum(raw)
        if path.name in self.hub.spoiled:
            raw = raw[:-1] + bytes([raw[-1] ^ 1])
        begin = 0
        if wanted := self.headers.get("Range"):
            begin = int(wanted.removeprefix("bytes=").split("-")[0])
        self.send_response(206 if begin else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{tag}"')
        self.send_header("Content-Length", str(len(raw) - begin))
        self.send_header("Accept-Ranges", "bytes")
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(raw) - 1}/{len(raw)}")
        self.end_headers()
        if not body:
            return
        stop = len(raw)
        if large(path) and self.hub.cut_after:
            stop = min(stop, begin + self.hub.cut_after.pop(0))
        while begin < stop:
            self.wfile.write(raw[begin : min(stop, begin + PIECE_BYTES)])
            begin += PIECE_BYTES
        if stop < len(raw):
            self.wfile.flush()
            if self.hub.hold is not None:
                self.hub.hold.wait(60)
            self.close_connection = True


def large(path: Path) -> bool:
    return path.suffix == ".safetensors"


def git_sum(raw: bytes) -> str:
    return hashlib.sha1(f"blob {len(raw)}\0".encode() + raw, usedforsecurity=False).hexdigest()


@contextmanager
def hub_of(models: dict[str, Path], cache: Path) -> Iterator[Hub]:
    """The server at work, and this process and its workers told to use it and a cache of their own."""
    hub = Hub(models)
    handler = type("HubHandler", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE"):
            patch.delenv(name, raising=False)
        patch.setenv("HF_HOME", str(cache))
        patch.setenv("HF_ENDPOINT", hub.address)
        patch.setenv("NO_PROXY", "127.0.0.1")
        try:
            yield hub
        finally:
            if hub.hold is not None:
                hub.hold.set()
            server.shutdown()
            thread.join()
            server.server_close()
