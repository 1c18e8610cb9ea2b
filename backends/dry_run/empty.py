"""Models whose tensors have sizes and no contents: built on the meta device, then traced as if they lay on a CPU.

This and its neighbours `live`, `card` and `replay` are the lower layer of the dry run; whoever brings a loop of their
own uses them so (a plan's trainer does the same in `trainer`):

    with built_empty():
        model = get_peft_model(AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16), peft_config)
    with no_contents():
        make_fake(model)
        live = LiveTrace(model, card=Card("cuda", 8.9))
        with live:
            with live.micro_batch(inputs):          # real integer tensors; where it is left, backward is over
                model(**inputs).loss.backward()
            optimizer.step()
            live.updated(optimizer)
            live.empty_cache()                      # wherever the loop empties the card's cache
    came = replayed(live.events)                    # reserved, expandable, smallest capacity

Nothing here computes a loss: what asks for a content gets 1, and `live.asked` says where that was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.utils._foreach_utils as foreach_utils
from peft.tuners._buffer_dict import BufferDict
from peft.tuners.tuners_utils import BaseTunerLayer
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

HOLDERS = (torch.nn.ModuleDict, torch.nn.ParameterDict, BufferDict)


@contextmanager
def built_empty() -> Iterator[None]:
    """Around the building of a model and of its adapters: no tensor has contents, and each has the type it would have.

    PEFT gives an adapter the type of the matrix it hangs on when it moves it there, and moves nothing that is on the
    meta device (peft/tuners/tuners_utils.py, 0.21.2); so that is done here.
    """
    moved = BaseTunerLayer._move_adapter_to_device_of_base_layer

    def move(self: Any, adapter_name: str, *args: Any, **kwargs: Any) -> None:
        moved(self, adapter_name, *args, **kwargs)
        _, dtype = self._get_base_layer_device_and_dtype(self.get_base_layer())
        if dtype is None or not dtype.is_floating_point:
            return
        for name in (*self.adapter_layer_names, *self.other_param_names):
            layers = getattr(self, name, None)
            if isinstance(layers, HOLDERS) and adapter_name in layers:
                item = layers[adapter_name]
                if not isinstance(item, torch.Tensor) or item.dtype.is_floating_point:
                    layers[adapter_name] = item.to(dtype=dtype)

    BaseTunerLayer._move_adapter_to_device_of_base_layer = move  # type: ignore[method-assign]
    try:
        with torch.device("meta"):
            yield
    finally:
        BaseTunerLayer._move_adapter_to_device_of_base_layer = moved  # type: ignore[method-assign]


@contextmanager
def no_contents() -> Iterator[FakeTensorMode]:
    """What is made here and is no small integer has a size only. torch's lists of tensors work as with real ones."""
    supported = foreach_utils._foreach_supported_types
    supported.append(FakeTensor)
    try:
        with FakeTensorMode(allow_non_fake_inputs=True) as mode:
            yield mode
    finally:
        supported.remove(FakeTensor)


def make_fake(model: torch.nn.Module) -> None:
    """Every tensor of a model gives way to one without contents; what was shared stays shared. Inside `no_contents`.

    Those that a module keeps in a plain dictionary too. A part of a larger storage stays one, for it keeps all of it.
    """
    made: dict[int, torch.Tensor] = {}
    wholes: dict[int, torch.Tensor] = {}
    kept: list[torch.Tensor] = []  # while they live no other tensor or storage has their identity

    def fake(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in made:
            kept.append(tensor)
            storage = tensor.untyped_storage()
            if storage.nbytes() > tensor.nbytes:
                whole = torch.empty(storage.nbytes() // tensor.itemsize, dtype=tensor.dtype, device="cpu")
                whole = wholes.setdefault(storage._cdata, whole)
                new = whole.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
            else:
                new = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
            if isinstance(tensor, torch.nn.Parameter):
                new = torch.nn.Parameter(new, requires_grad=tensor.requires_grad)
            made[id(tensor)] = new
        return made[id(tensor)]

    for module in model.modules():
        own = vars(module)
        for holder in (own, *(x for x in own.values() if isinstance(x, dict))):
            for name, tensor in list(holder.items()):
                if isinstance(tensor, torch.Tensor):
                    holder[name] = fake(tensor)
