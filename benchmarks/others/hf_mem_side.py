"""Runs inside hf-mem's environment: questions on standard input, its answers on standard output.

hf-mem asks the network for a file list, a checkpoint's header and `config.json`. A transport in the client's place gives
it those of the question; everything else is hf-mem's own.
"""

from __future__ import annotations

import importlib
import json
import struct
import sys
import warnings
from typing import Any

import httpx2
from hf_mem._version import __version__

FILES = [{"path": name, "type": "file"} for name in ("config.json", "model.safetensors")]
own_client = httpx2.AsyncClient
tool = importlib.import_module("hf_mem.run")  # the package's attribute of this name is its function


def main() -> None:
    warnings.simplefilter("ignore")
    answers = [{"id": q["id"], **answer(q)} for q in json.load(sys.stdin)]
    json.dump({"version": __version__, "answers": answers}, sys.stdout)


def answer(question: dict[str, Any]) -> dict[str, Any]:
    head = json.dumps(question["header"]).encode()

    def reply(request: Any) -> Any:
        path = request.url.path
        if "/tree/" in path:
            return httpx2.Response(200, json=FILES)
        if path.endswith("config.json"):
            return httpx2.Response(200, json=question["config"])
        return httpx2.Response(200, content=struct.pack("<Q", len(head)) + head)

    tool.httpx2.AsyncClient = lambda **_: own_client(transport=httpx2.MockTransport(reply))
    try:
        result = tool.run(
            "as/published",
            experimental=question["cache"],
            max_model_len=question["tokens"] or None,
            batch_size=question["batch"],
            kv_cache_dtype=question["cache_dtype"],
        )
    except (RuntimeError, KeyError, ValueError) as error:
        return {"refused": f"{type(error).__name__}: {error}"}
    if question["cache"] and result.kv_cache is None:
        return {"refused": "it finds no KV cache for this configuration"}
    return {"total_bytes": result.total_memory}


if __name__ == "__main__":
    main()
