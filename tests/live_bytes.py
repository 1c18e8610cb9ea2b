"""Counts the bytes of live tensor storages while a few operations run: what is there at the end, and at the most."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class LiveBytes(TorchDispatchMode):
    """Only storages that an operation returned are seen. known: tensors that were there before and count for nothing."""

    def __init__(self, *known: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self._known = {id(x.untyped_storage()): x for x in known}
        self._seen: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for one in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(one, torch.Tensor):
                self._see(one.untyped_storage())
        return result

    def _see(self, storage: Any) -> None:
        key, n_bytes = id(storage), storage.nbytes()
        if key in self._seen or key in self._known:
            return

        def gone(_: Any) -> None:
            self.now -= n_bytes
            del self._seen[key]

        self._seen[key] = weakref.ref(storage, gone)
        self.now += n_bytes
        self.most = max(self.most, self.now)
