"""Follows live tensors of steps that are not computed, and writes down each birth and death in its order.

The same referee as for real steps (`backends.count`), with another way to do an operation: what works on small integers
alone is really done, so that decisions about the batch (does it need a mask, are rows packed) are the true ones; all
else only gets its sizes. What a card makes beside the result of an operation is added here, because no dispatch shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch._subclasses.fake_tensor import DynamicOutputShapeException, FakeTensor, unset_fake_temporarily
from torch.utils._pytree import tree_leaves

from backends.count import Instant, LiveCount, Storage, Where
from planner.allocator import EMPTY_CACHE, Event
from planner.workspaces import workspace_bytes

aten = torch.ops.aten
REAL_BYTES = 1 << 24
"""Integer tensors up to this size are really made. A mask of all pairs of tokens may be larger, and decides nothing."""
MULTIPLIED = frozenset(
    (aten.mm.default, aten.mm.out, aten.addmm.default, aten.addmm_.default, aten.bmm.default, aten.baddbmm.default)
)


class Card(NamedTuple):
    """What of a card decides sizes. kind: cuda or rocm; capability: of an NVIDIA card, 0 where unknown."""

    kind: str
    capability: float = 0.0


class LiveTrace(LiveCount):  # type: ignore[no-untyped-call]
    """Use as a context, inside `empty.no_contents`, after `empty.make_fake(model)`.

    events: births and deaths for `planner.allocator`, keyed by the place of the storage in `storages`. asked: stretches
    of the step in which a content was asked for, which is 1 in all of them. on_host: nothing made now is on the card.
    fetching: what is made now is a batch. look: called wherever the step enters another stretch; may raise.
    """

    look: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, model: torch.nn.Module, card: Card | None = None) -> None:
        self.card = card
        self.events: list[Event] = []
        self.storages: list[Storage] = []
        self.asked: set[str] = set()
        self.on_host = self.fetching = False
        self.loaded_events = 0
        self._births: dict[int, Event] = {}
        self._workspaces: dict[bool, torch.Tensor] = {}
        super().__init__(model)
        self.loaded_events = len(self.events)

    def enter(self, stretch: str, block: int = -1) -> None:
        super().enter(stretch, block)
        self.look()

    # events

    def made(self, key: int, storage: Storage) -> None:
        self._births[key] = birth = (len(self.storages), storage.bytes)
        self.storages.append(storage)
        if storage.bytes:
            self.events.append(birth)

    def died(self, key: int) -> None:
        number, size = self._births.pop(key)
        if size:
            self.events.append((number, 0))

    def empty_cache(self) -> None:
        """Here the loop calls `torch.cuda.empty_cache()`."""
        self.events.append(EMPTY_CACHE)

    def fullest_of_all(self) -> Instant:
        """The instant with the most live bytes, whatever its moment, found again in the events."""
        total = most = at = 0
        sizes: dict[int, int] = {}
        for i, (number, size) in enumerate(self.events):
            if size > 0:
                sizes[number] = size
                total += size
                if total > most:
                    most, at = total, i
            elif size == 0:
                total -= sizes.pop(number)
        alive: dict[int, Storage] = {}
        for number, size in self.events[: at + 1]:
            if size > 0:
                alive[number] = self.storages[number]
            elif size == 0:
                del alive[number]
        last = self.storages[self.events[at][0]] if self.events else Storage(0, Where("outside"), (), "")
        return Instant(most, last.made, last.operation, tuple(alive.values()))

    # operations

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.prim.device.default and isinstance(args[0], FakeTensor):
            return args[0].fake_device
        return super().__torch_dispatch__(func, types, args, kwargs)

    def see(self, tensor: torch.Tensor, operation: str = "", role: str = "") -> bool:
        return not self.on_host and super().see(tensor, operation, "batch" if self.fetching else role)

    def run(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        fake = [x for x in given if isinstance(x, FakeTensor)]
        if func is aten._local_scalar_dense.default and fake:
            self.asked.add(self.where.stretch)
            kind = given[0].dtype
            return 1.0 if kind.is_floating_point else kind is torch.bool or 1
        if not fake and self._is_real(func, args, kwargs):
            with unset_fake_temporarily():
                return func(*args, **kwargs)
        if func is aten.index.Tensor:
            args = (args[0], [y for x in args[1] for y in _numbered(x)])
        if self.card is not None:
            if func in MULTIPLIED:
                self._workspace()
            if func is aten._softmax_backward_data.default:
                return self._softmax_backward(func, args, kwargs)
            if func is aten._safe_softmax.default:
                return self._safe_softmax(func, args, kwargs)
        return func(*args, **kwargs)

    def _is_real(self, func: Any, args: Any, kwargs: dict[str, Any]) -> bool:
        """Whether an operation without fakes is really done: what it writes into is real, or its result small integers."""
        if func._schema.is_mutable or func is aten._local_scalar_dense.default:
            return True
        try:
            sizes = [x for x in tree_leaves(func(*args, **kwargs)) if isinstance(x, torch.Tensor)]
        except DynamicOutputShapeException:
            return True
        return all(not x.dtype.is_floating_point and x.nbytes <= REAL_BYTES for x in sizes)

    # what a card makes beside

    def _workspace(self) -> None:
        """cuBLAS' own, for each thread that multiplies: forward's and backward's."""
        assert self.card is not None
        backward = torch._C._current_graph_task_id() != -1
        if self.card.kind == "cuda" and backward not in self._workspaces:
            made = torch.empty(workspace_bytes(self.card.capability), dtype=torch.uint8)
            self._workspaces[backward] = made
            self.see(made, "cublas", "workspace")

    def _softmax_backward(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """gradient × result comes first (aten/src/ATen/native/cuda/SoftMax.cu, softmax_backward_cuda_out)."""
        product = torch.empty_like(args[0])
        self.see(product, str(func))
        result = func(*args, **kwargs)
        self.see(result, str(func))
        self._compare(str(func))
        return result

    def _safe_softmax(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """The result of an ordinary one and a byte for each entry come first (aten/src/ATen/native/SoftMax.cpp)."""
        first, masked = torch.empty_like(args[0]), torch.empty_like(args[0], dtype=torch.bool)
        self.see(first, str(func))
        self.see(masked, str(func))
        result = func(*args, **kwargs)
        self.see(result, str(func))
        self._compare(str(func))
        return result


def _numbered(index: Any) -> tuple[Any, ...]:
    """A real mask as the numbers of what it picks: their count is then known without contents."""
    if isinstance(index, torch.Tensor) and index.dtype is torch.bool and not isinstance(index, FakeTensor):
        with unset_fake_temporarily():
            return index.nonzero(as_tuple=True)
    return (index,)
