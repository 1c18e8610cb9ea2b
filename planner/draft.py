"""The draft: a model and a schedule on their way to a ledger. Techniques are applied to it in slot order.

WEIGHTS sets the bits of tensors, PRECISION what is computed in, TRAINABLE adds tensors and marks what is trained,
ATTENTION sets the core that mixes the tokens, ACTIVATION says what is made again; OBJECTIVE turns all this into a
timeline and lines, LOSS and OPTIMIZER add theirs, PLACEMENT settles the places. A technique may replace only what its
slot owns (`OWNS`); a test compares the drafts before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from planner.autograd.tape import Tape, Value, Weight
from planner.facts.data import BatchShape
from planner.facts.model.facts import ModelFacts
from planner.ledger import At, Line
from planner.schedule import Schedule
from planner.slots import Slot
from planner.timeline import Stretches, stretches
from planner.units import Num

if TYPE_CHECKING:
    from planner.training.optimizers import Optimizer


@dataclass(frozen=True, slots=True)
class Tensor:
    """Stored weights of one name. `count` layers hold one each, so a 30-layer stack is one entry, not thirty.

    role: embedding, head, linear, bias, norm, final norm, adapter, prompt or buffer. shape: of one tensor. bits: per element as stored.
    trained: gradients and states exist. tied: storage shared with an earlier tensor, so it costs nothing itself.
    packing: how a quantised matrix lies in memory; `bits` is then the type that it is unpacked to.
    """

    name: str
    role: str
    shape: tuple[int, ...]
    count: int
    bits: int
    trained: bool = False
    tied: bool = False
    packing: Packing | None = None

    @property
    def elements(self) -> int:
        n = self.count
        for d in self.shape:
            n *= d
        return n

    @property
    def bytes(self) -> int:
        if self.tied:
            return 0
        return self.count * self.packing.bytes_of(self.shape) if self.packing else self.elements * self.bits // 8


class Packing(Protocol):
    """How a quantised matrix lies in memory: its codes, and the scales beside them. Frozen and hashable."""

    @property
    def name(self) -> str: ...

    def pieces(self, shape: tuple[int, ...]) -> Iterable[int]:
        """Bytes of each tensor that is kept of one matrix, or of one for each expert."""

    def bytes_of(self, shape: tuple[int, ...]) -> int:
        """Bytes of one matrix of this shape, scales included."""

    def matmul(self, t: Tape, x: Value, weight: Weight, d_out: int, compute_bits: int) -> Value:
        """x @ weight.T as the library does it: what is unpacked for it, in which type, and what it keeps."""


class Frozen(Protocol):
    """The frozen matmul that an adapter hangs on. matrix: its weight as unpacked; ways: how the run computes.

    aside: values that the adapters of one block leave for each other.
    """

    name: str
    d_in: int
    d_out: int
    matrix: Weight
    ways: Ways
    aside: dict[str, Value]

    def __call__(self, x: Value) -> Value:
        """The matmul with its bias."""

    def plain(self, x: Value, matrix: Weight, d_out: int) -> Value:
        """Another matmul, in the run's own way: under autocast of 16-bit copies."""


class Beside(Protocol):
    """Something trained that hangs on a frozen matmul: says what it does on the tape. Frozen and hashable."""

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        """What the matmul returns with the adapter in it; x: what the model hands in, base: the matmul itself."""


class Heads(NamedTuple):
    """capped: scores go through cap × tanh(x ÷ cap) before the mask. dropped: some are dropped at random after softmax.
    narrow: softmax is done in the scores' own type, not in float32. All three only where scores are written out."""

    n_heads: int
    n_kv_heads: int
    head_dim: int
    capped: bool = False
    dropped: bool = False
    narrow: bool = False


Attend: TypeAlias = "Callable[[Tape, Heads, Value, Value, Value, Value | None], tuple[Value, Value | None]]"
"""(tape, heads, q, k, v, mask) → (mixed values, the scores where they exist); q and k come rotated."""


@dataclass(frozen=True, slots=True)
class Site:
    """One matmul of a block: what an adapter hangs on."""

    weight: str
    d_in: int
    d_out: int
    bias: bool = False
    adapter: Beside | None = None


class Prefix(NamedTuple):
    """Trained keys and values before each row's own: of so many positions, copied for each of so many rows."""

    tokens: int
    rows: int
    bits: int


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """One run of equal blocks; stacks follow each other, an encoder–decoder model has two.

    kind: which of its family's blocks these are, empty where there is but one.

    Compared by identity: whoever makes one remembers it, so that what is worked out for a stack is worked out once.
    """

    facts: ModelFacts
    layers: int
    tensors: tuple[Tensor, ...]
    sites: tuple[Site, ...]
    kind: str = ""
    prefix: Prefix | None = None


@lru_cache(maxsize=4096)
def one_of_alike(
    facts: ModelFacts,
    layers: int,
    tensors: tuple[Tensor, ...],
    sites: tuple[Site, ...],
    kind: str = "",
    prefix: Prefix | None = None,
) -> Stack:
    """The stack with these contents; the same one for equal contents, so that what is worked out for it is shared."""
    return Stack(facts, layers, tensors, sites, kind, prefix)


class Loop(NamedTuple):
    """Habits of the loop that trains, beyond what a plan's techniques say; the defaults are transformers' Trainer's.

    keeps_outputs: still holds the logits in backward and in the update. keeps_cache: a KV cache is made in the forward
    pass and held with the outputs. repeats_kv: keys and values are copied for their query heads before the attention
    kernel; None: as the attention itself decides. compiled: torch.compile fuses what lies between matmuls. offloaded:
    what checkpointing keeps goes to the host. takes_gradients: each gradient is taken away as soon as it is made, by an
    update in backward or into a flat buffer. joined_qkv: the blocks are written with one matrix for queries, keys and
    values (LitGPT's way). keeps_graph: packed matmuls keep what they read on their node (bitsandbytes before 0.43), and
    the loop still names a step's loss during the next one's forward pass, so that all of it stays until then.
    rare_length: the longest batch is one of its kind, cut nowhere, so that the batch after it is shorter, somewhere
    between nothing and as long.
    """

    keeps_outputs: bool = False
    keeps_cache: bool = False
    repeats_kv: bool | None = None
    compiled: bool = False
    offloaded: bool = False
    takes_gradients: bool = False
    joined_qkv: bool = False
    keeps_graph: bool = False
    rare_length: bool = False


class Ways(NamedTuple):
    """How the operations of a block are done: everything beside its shapes that changes what it makes and keeps.

    compute_bits: of the matmuls; flow_bits: of the hidden states between blocks; autocast: matmuls read 16-bit copies.
    float16: what has 16 bits is float16, not bfloat16.
    """

    attend: Attend
    compute_bits: int
    flow_bits: int
    autocast: bool
    mask_bits: int
    recompute: bool
    device: str
    loop: Loop
    float16: bool = False


class HeadWork(NamedTuple):
    """What a loss does with the head and its logits, for the time that it takes. products: how often logits are made in
    a step, 2 where backward makes them again. wide_backward: its gradients are products in float32, whatever the model
    computes in. written_bytes: made for each logit by operations between products, in forward and backward."""

    products: int = 1
    wide_backward: bool = False
    written_bytes: int = 0


class Draft(NamedTuple):
    """Everything a technique may read, and what it may replace (with `_replace`, a named tuple's own way).

    batch: the longest batch that will really occur. device: kind of the device that computes (cpu, cuda, rocm, mps), capability: of an NVIDIA card, 0 where unknown.
    compute_bits: of the matmuls. flow_bits: of what flows between the layers, 0 where that is the same.
    autocast: matmuls read 16-bit copies of wider weights and values. loop: habits of the loop. attend: the core that mixes the tokens.
    mask_bits: of its mask for each pair of tokens, 0 where it needs none. heavier_without_mask: it may need far more for rows of one length than for longer ones that need a
    mask. recompute: the
    layers' insides are thrown away and made again in backward. accumulation: instead of the schedule's micro-batches of
    a step, an array of such numbers, all one or all more than one as the schedule's. sample_tokens: prompt and answer of the sample, the
    longest that is planned for. evaluation: the same draft for the batch of an evaluation that needs most, None where the run has
    none; techniques before the objective are applied to both. head_work, update: what loss and optimizer do in a step, for the time model; None where they did not say.
    """

    facts: ModelFacts
    schedule: Schedule
    batch: BatchShape
    device: str
    stage: int
    stacks: tuple[Stack, ...]
    compute_bits: int = 0
    attend: Attend | None = None
    mask_bits: int = 0
    heavier_without_mask: bool = False
    recompute: bool = False
    sample_tokens: int = 0
    timeline: tuple[At, ...] = ()
    lines: tuple[Line, ...] = ()
    flow_bits: int = 0
    autocast: bool = False
    loop: Loop = Loop()
    float16: bool = False
    capability: float = 0.0
    accumulation: Num | None = None
    head_work: HeadWork | None = None
    update: Optimizer | None = None
    evaluation: Draft | None = None

    @property
    def when(self) -> Stretches:
        """The instants of this stage, with those between steps that its schedule brings."""
        answers = self.schedule.sample_steps > 0 and self.sample_tokens > 0
        return stretches(self.stage, self.evaluation is not None, answers)

    @property
    def ways(self) -> Ways:
        assert self.attend is not None
        return Ways(
            self.attend,
            self.compute_bits,
            self.flow_bits or self.compute_bits,
            self.autocast,
            self.mask_bits,
            self.recompute,
            self.device,
            self.loop,
            self.float16,
        )


OWNS: dict[Slot, frozenset[str]] = {
    Slot.WEIGHTS: frozenset({"stacks"}),
    Slot.PRECISION: frozenset({"compute_bits", "flow_bits", "autocast", "float16"}),
    Slot.TRAINABLE: frozenset({"stacks"}),
    Slot.ATTENTION: frozenset({"attend", "mask_bits", "heavier_without_mask"}),
    Slot.ACTIVATION: frozenset({"recompute"}),
    Slot.OBJECTIVE: frozenset({"timeline", "lines"}),
    Slot.LOSS: frozenset({"lines", "head_work"}),
    Slot.OPTIMIZER: frozenset({"lines", "update"}),
    Slot.PLACEMENT: frozenset({"lines"}),
}
