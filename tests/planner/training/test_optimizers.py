"""Optimizers: what each keeps and makes, beside the libraries' own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from planner.draft import Stack, Tensor
from planner.ledger import DEVICE, DISK, HOST, Kind
from planner.training import optimizers
from planner.training.optimizers import Optimizer, optimizer_lines, saved_state_lines
from tests.live_bytes import LiveBytes
from tests.planner.training.small import ELEMENTS, FACTS, draft, of_kind

# one embedding, four matrices of a block, a norm; what is 8 bits wide in bitsandbytes only above 4096 elements
SHAPES = (
    ("embedding", (96, 64)),
    ("linear", (64, 128)),
    ("linear", (128, 64)),
    ("linear", (128, 128)),
    ("norm", (64,)),
)
MakeOptimizer = Callable[[list[torch.nn.Parameter]], Any]


def stepped(make: MakeOptimizer, dtype: torch.dtype) -> tuple[int, int]:
    """Bytes of the states after two updates, and the most that the second one held beyond what was there before it."""
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.randn(shape).to(dtype)) for _, shape in SHAPES]
    optimizer = make(parameters)
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    states = [x for state in optimizer.state.values() for x in state.values() if torch.is_tensor(x)]
    gradients = [x.grad for x in parameters if x.grad is not None]
    with LiveBytes(*parameters, *gradients, *states) as live:
        optimizer.step()
    return sum(x.nbytes for x in states), live.most


def planned(optimizer: Optimizer, bits: int) -> tuple[int, int]:
    """The same by the planner: states and workspace of these parameters as a stack of one layer."""
    tensors = tuple(Tensor(f"w{i}", role, shape, 1, bits, True) for i, (role, shape) in enumerate(SHAPES))
    lines = optimizer_lines(draft((Stack(FACTS, 1, tensors, ()),)), optimizer)
    return of_kind(lines, Kind.STATES), of_kind(lines, Kind.WORKSPACE)


def of_torch(name: str, **keywords: Any) -> MakeOptimizer:
    return lambda parameters: getattr(torch.optim, name)(parameters, lr=1e-3, **keywords)


def of_transformers(parameters: list[torch.nn.Parameter]) -> Any:
    from transformers.optimization import Adafactor

    return Adafactor(parameters, lr=1e-3, scale_parameter=False, relative_step=False)  # as its Trainer makes it


CASES: dict[str, tuple[Optimizer, MakeOptimizer]] = {
    "adamw for_loop": (
        optimizers.ADAMW._replace(implementation="for_loop"),
        of_torch("AdamW", foreach=False, fused=False),
    ),
    "adamw fused": (optimizers.ADAMW, of_torch("AdamW", fused=True)),
    "sgd": (optimizers.SGD, of_torch("SGD", foreach=False)),
    "sgd with momentum": (optimizers.SGD_WITH_MOMENTUM, of_torch("SGD", foreach=False, momentum=0.9)),
    "adafactor of torch": (optimizers.ADAFACTOR, of_torch("Adafactor", foreach=False)),
    "adafactor of transformers": (optimizers.ADAFACTOR_OF_TRANSFORMERS, of_transformers),
}
LARGEST = 128 * 128


@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("case", CASES)
def test_states_and_workspace_are_those_of_the_library(case: str, bits: int) -> None:
    optimizer, make = CASES[case]
    states, work = stepped(make, torch.float32 if bits == 32 else torch.bfloat16)
    expected_states, expected_work = planned(optimizer, bits)
    assert expected_states == states
    if bits == 16 and case == "adafactor of torch":
        return  # on a CPU norms of bfloat16 go through a float32 copy of their own, which is not the optimizer's
    # small things beside: rows, columns, numbers of one element
    assert work == pytest.approx(expected_work, abs=LARGEST * bits // 8 * 0.1)


@pytest.mark.parametrize(
    ("name", "optimizer"), [("AdamW8bit", optimizers.ADAMW_8_BIT), ("Lion8bit", optimizers.LION_8_BIT)]
)
@pytest.mark.parametrize("wide", [False, True])
def test_states_in_8_bits_are_those_of_bitsandbytes(name: str, optimizer: Optimizer, wide: bool) -> None:
    """wide: every nn.Embedding keeps its states in 32 bits, as transformers' Trainer has it."""
    bitsandbytes = pytest.importorskip("bitsandbytes")
    module = torch.nn.Embedding(96, 64)
    others = [torch.nn.Parameter(torch.randn(shape)) for role, shape in SHAPES if role != "embedding"]
    if wide:
        bitsandbytes.optim.GlobalOptimManager.get_instance().register_module_override(
            module, "weight", {"optim_bits": 32}
        )
    real = getattr(bitsandbytes.optim, name)([module.weight, *others], lr=1e-3)
    for parameter in (module.weight, *others):
        parameter.grad = torch.randn_like(parameter)
    real.step()
    tensors = {x.data_ptr(): x.nbytes for state in real.state.values() for x in state.values() if torch.is_tensor(x)}
    assert planned(optimizer._replace(wide_embeddings=wide), 32)[0] == sum(tensors.values())


def test_lomo_widens_one_weight_and_its_gradient_in_backward_and_keeps_nothing() -> None:
    lines = optimizer_lines(draft(), optimizers.LOMO)
    assert of_kind(lines, Kind.STATES) == 0
    (work,) = lines
    assert work.bytes == 2 * 4 * 4096 * 256  # the embedding
    assert {at.moment for at in work.alive} == {"layer_last", "layer_first", "backward_end"}


def test_states_are_saved_once_for_each_checkpoint_and_pass_through_memory_on_the_way_and_back() -> None:
    lines = saved_state_lines(draft(), optimizers.ADAMW)
    size = of_kind(optimizer_lines(draft(), optimizers.ADAMW), Kind.STATES)
    assert of_kind(lines, Kind.STATES, DISK) == 3 * size
    assert of_kind(lines, Kind.STATES, HOST) == size
    (copied,) = (x for x in lines if x.place is HOST)
    assert {at.moment for at in copied.alive} == {"write", "read"}
    assert not saved_state_lines(draft(), optimizers.SGD)


def test_states_that_the_driver_moves_are_not_on_the_device() -> None:
    paged = optimizer_lines(draft(), Optimizer(state_bits=32, implementation="bitsandbytes", paged=True))
    assert of_kind(paged, Kind.STATES, DEVICE) == 0
    assert of_kind(paged, Kind.STATES, HOST) >= 8 * ELEMENTS


def test_a_master_copy_costs_four_bytes_an_element() -> None:
    plain, master = (optimizer_lines(draft(), Optimizer(state_bits=32, master_bits=bits)) for bits in (0, 32))
    assert of_kind(master, Kind.STATES) - of_kind(plain, Kind.STATES) == 4 * ELEMENTS


def test_projected_gradients_need_smaller_states() -> None:
    full, projected = (of_kind(optimizer_lines(draft(), Optimizer(rank=rank)), Kind.STATES) for rank in (0, 64))
    assert projected < full
