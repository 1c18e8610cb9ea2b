"""The draft: a model and a schedule on their way to a ledger. Techniques are applied to it in slot order.

WEIGHTS sets the bits of tensors, TRAINABLE adds tensors and marks what is trained, ATTENTION and LOSS add what they
keep, ACTIVATION thins what is kept, OPTIMIZER adds its states, PLACEMENT settles the places. A technique may replace
only what its slot owns.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.facts.data import BatchShape
from planner.facts.model.facts import ModelFacts
from planner.ledger import At, Line
from planner.schedule import Schedule
from planner.units import Num


@dataclass(frozen=True, slots=True)
class Tensor:
    """Stored weights of one name. `count` layers hold one each, so a 30-layer stack is one entry, not thirty.

    shape: of one tensor; bits: per element as stored; trained: gradients and states exist; tied: storage shared with
    an earlier tensor, so it costs nothing itself.
    """

    name: str
    role: str
    shape: tuple[int, ...]
    count: int
    bits: int
    trained: bool = False
    tied: bool = False

    @property
    def elements(self) -> int:
        n = self.count
        for d in self.shape:
            n *= d
        return n

    @property
    def bytes(self) -> int:
        return 0 if self.tied else self.elements * self.bits // 8


@dataclass(frozen=True, slots=True)
class Site:
    """One matmul of a block: what an adapter hangs on. `inputs` names the tensor it reads (q, k and v share one).

    input_grad: the gradient flows through its input even when its weight is frozen.
    """

    weight: str
    inputs: str
    d_in: int
    d_out: int
    layers: int
    adapters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """What autograd keeps for backward. bytes = layers × (per_token × tokens + per_token_sq × tokens × seq).

    recomputable: thrown away and made again under checkpointing.
    """

    what: str
    layers: int
    per_token: Num
    per_token_sq: Num = 0
    recomputable: bool = True


@dataclass(frozen=True, slots=True)
class Stack:
    """One run of equal blocks; an encoder–decoder model has two."""

    name: str
    tensors: tuple[Tensor, ...]
    sites: tuple[Site, ...]
    saved: tuple[Saved, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything a technique may read, and what it may replace.

    device: kind of the device that computes (cpu, cuda, rocm, mps); batch: the longest batch that will really occur.
    """

    facts: ModelFacts
    schedule: Schedule
    batch: BatchShape
    device: str
    stacks: tuple[Stack, ...]
    timeline: tuple[At, ...]
    lines: tuple[Line, ...] = ()
