"""Counts the bytes of every live tensor storage during real training steps.

This is the referee of the planner: it knows nothing of its formulas. Each storage is seen when an operation returns
it, forgotten when it dies, and remembered with what it is (weight, gradient, optimizer state, batch) and where it was
made (a block's forward, the loss, a block's backward, the update), for `count_lines` to go by. For every moment of the timeline it
keeps the instant with the most bytes. It must not change what is computed, and sees nothing inside one operation.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers.modeling_layers import GradientCheckpointingLayer

FIRST, LATER, EVALUATE = "step 1", "step 2+", "evaluate"
EMBEDDINGS = (
    "lm_head.weight",
    "embed_tokens.weight",
    "wte.weight",
    "word_embeddings.weight",
    "embed_in.weight",
    "shared.weight",
)
# use counts, seen from inside a dispatch mode, of a tensor and a storage that only autograd's buffer holds
HELD_ONCE, STORAGE_HELD_ONCE = 4, 2


class Where(NamedTuple):
    """Where a step is: the stretch, the block in it (−1 outside the blocks), and the number of the micro-batch."""

    stretch: str
    block: int = -1
    micro_batch: int = -1


@dataclass(slots=True, eq=False)
class Storage:
    """One storage while it lives. made: where at its first sight. role: what it turned out to be."""

    bytes: int
    made: Where
    shape: tuple[int, ...]
    operation: str
    role: str = ""
    dtype: str = ""


@dataclass(frozen=True)
class Instant:
    """The fullest instant of one moment: where the run was, and all storages then."""

    bytes: int
    where: Where
    operation: str
    storages: tuple[Storage, ...]


class LiveCount(TorchDispatchMode):
    """Watches one model's training. Use as a context around `trainer.train()`, after `watch(model)`.

    Stretches of a step: forward (block i), loss, backward (block i), backward_end, update.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live: dict[int, Storage] = {}
        self.total = 0
        self.where = Where("outside")
        self.micro_batches = 0
        self.head_bytes = 0
        self.phase = FIRST
        self.fullest: dict[tuple[str, str], Instant] = {}
        self.n_blocks = 0
        self._watch(model)

    # what is seen

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.add.Tensor and self._engine_sums(*args, **(kwargs or {})):
            return args[0].add_(args[1])
        result = self.run(func, args, kwargs or {})
        grown = False
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                grown = self.see(leaf, str(func)) or grown
        if grown:
            self._compare(str(func))
        return result

    def run(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Do an operation. Whoever counts without computing does it in another way."""
        return func(*args, **kwargs)

    def made(self, key: int, storage: Storage) -> None:
        """A storage is there, or has another size now."""

    def died(self, key: int) -> None:
        """A storage is gone."""

    def see(self, tensor: torch.Tensor, operation: str = "", role: str = "") -> bool:
        """Take a tensor's storage into account; True when the total grew."""
        if tensor.device.type == "meta" or tensor.layout is not torch.strided:
            return False
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        known = self.live.get(key)
        if known is not None:
            known.role = role or known.role
            change, known.bytes = size - known.bytes, size
            self.total += change
            if change:
                self.died(key)
                self.made(key, known)
            return change > 0
        known = Storage(
            size, self.where, tuple(tensor.shape), operation, role, str(tensor.dtype).removeprefix("torch.")
        )
        self.live[key] = known
        self.total += size
        self.made(key, known)
        weakref.finalize(storage, self._forget, key).atexit = False
        return size > 0

    def _forget(self, key: int) -> None:
        gone = self.live.pop(key, None)
        if gone is not None:
            self.total -= gone.bytes
            self.died(key)

    def _compare(self, operation: str) -> None:
        moment = self.moment()
        if not moment:
            return
        best = self.fullest.get((self.phase, moment))
        if best is None or self.total > best.bytes:
            self.fullest[self.phase, moment] = Instant(self.total, self.where, operation, tuple(self.live.values()))

    def moment(self) -> str:
        """The timeline's moment that the present instant belongs to; empty for the blocks in between."""
        stretch, block, _ = self.where
        if stretch == "backward":
            return {self.n_blocks - 1: "layer_last", 0: "layer_first"}.get(block, "")
        return {"forward": "forward_end", "loss": "loss", "backward_end": "backward_end", "update": "update"}.get(
            stretch, ""
        )

    def _engine_sums(self, first: Any, second: Any, **kwargs: Any) -> bool:
        """True when this is autograd adding two gradients of one tensor, which it does in place unless watched.

        torch's input_buffer.cpp writes the sum into the older gradient if nothing else holds it, but only while no
        dispatch mode is on. A count that lets the watched way stand would be above the truth.
        """
        return (
            torch._C._current_graph_task_id() != -1
            and not torch.is_grad_enabled()
            and not kwargs
            and isinstance(second, torch.Tensor)
            and first.shape == second.shape
            and first.dtype == second.dtype
            and first._use_count() <= HELD_ONCE
            and torch._C._storage_Use_Count(first.untyped_storage()._cdata) <= STORAGE_HELD_ONCE
            and first.nbytes == first.untyped_storage().nbytes()
        )

    # where the run is

    def enter(self, stretch: str, block: int = -1) -> None:
        self.where = Where(stretch, block, self.micro_batches)
        self._compare("")

    def _watch(self, model: torch.nn.Module) -> None:
        for name, parameter in model.named_parameters():
            self.see(parameter, "", "adapter" if "lora_" in name else "weights")
            for scales in _beside(parameter):
                self.see(scales, "", "weights")
            if name.endswith(EMBEDDINGS):
                self.head_bytes = parameter.nbytes
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(self._gradient)  # type: ignore[no-untyped-call]
        for buffer in model.buffers():
            self.see(buffer, "", "weights")
        blocks = [m for m in model.modules() if isinstance(m, GradientCheckpointingLayer)]
        self.n_blocks = len(blocks)
        for i, block in enumerate(blocks):
            block.register_forward_pre_hook(self._block_begins(i))
            block.register_forward_hook(self._block_ends(i))

    def _gradient(self, parameter: torch.Tensor) -> None:
        assert parameter.grad is not None
        self.see(parameter.grad, "accumulate", "gradient")

    def _block_begins(self, i: int) -> Any:
        def hook(module: Any, args: tuple[torch.Tensor, ...]) -> None:
            self.enter("forward", i)
            if i == 0:
                self.live[args[0].untyped_storage()._cdata].made = self.where
                if args[0].requires_grad:
                    args[0].register_hook(lambda grad: self.enter("backward_end"))  # type: ignore[no-untyped-call]

        return hook

    def _block_ends(self, i: int) -> Any:
        def hook(module: Any, args: Any, output: Any) -> None:
            output = output[0] if isinstance(output, tuple) else output  # some classes return the scores beside it
            last = i == self.n_blocks - 1
            following = ("loss", -1) if last else ("forward", i + 1)
            if output.requires_grad:
                output.register_hook(lambda grad: self.enter("backward", i))
            self.live[output.untyped_storage()._cdata].made = Where(
                *following, self.micro_batches
            )  # a block's input is its own
            self.enter(*following)

        return hook

    @contextmanager
    def micro_batch(self, inputs: dict[str, Any]) -> Iterator[None]:
        """One forward and backward pass over these inputs."""
        self.micro_batches += 1
        for value in inputs.values():
            if isinstance(value, torch.Tensor):
                self.see(value, "", "batch")
        self.enter("forward")
        yield
        if self.where.stretch != "backward_end":
            self.enter("backward_end")
        self.enter("update")

    @contextmanager
    def evaluation(self, inputs: dict[str, Any]) -> Iterator[None]:
        """One forward pass over these inputs between two steps."""
        phase, self.phase = self.phase, EVALUATE
        self.micro_batches += 1
        for value in inputs.values():
            if isinstance(value, torch.Tensor):
                self.see(value, "", "batch")
        self.enter("forward")
        yield
        self.where, self.phase = Where("outside"), phase

    def updated(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """The optimizer has made its step."""
        for tensor in tree_leaves(list(optimizer.state.values())):
            if isinstance(tensor, torch.Tensor):
                self.see(tensor, "", "state")
        self._compare("")
        self.where, self.phase = Where("outside"), LATER


def _beside(parameter: torch.Tensor) -> Iterator[torch.Tensor]:
    """What a quantised matrix has beside its codes, which no module lists: bitsandbytes' scales and tables."""
    state = getattr(parameter, "quant_state", None)
    if state is not None:
        nested = state.state2
        parts = (state.absmax, state.code, state.offset, *((nested.absmax, nested.code) if nested else ()))
        yield from (x for x in parts if x is not None)
