"""The ledger: who needs how many bytes, where, and at which moments. Every number on a screen is a sum over it.

A phase is what a person reads ("training"); a moment is an instant in it. A line is alive at some moments; the need
of a place at a moment is the sum of the lines alive there; the peak is the largest such sum. Nothing else in the
program adds up memory.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from planner.slots import Slot
from planner.units import Num


class At(NamedTuple):
    """An instant: `stage` counts from 0, `phase` is read by people, `moment` is the instant within it."""

    stage: int
    phase: str
    moment: str


MOMENTS = {
    "weights": "weights loaded",
    "generate": "writing the sample answer",
    "generate_later": "writing a sample answer between two steps",
    "forward_end": "end of forward",
    "loss": "loss and head",
    "layer_last": "backward, last layer",
    "layer_first": "backward, first layer",
    "backward_end": "end of backward",
    "update": "optimizer update",
    "write": "checkpoint written",
    "read": "checkpoint read",
    "read_blocks": "blocks read the prompt",
    "read_logits": "logits of the prompt",
    "next_token": "last token of the answer",
    "gathered": "logits of an evaluation put together",
    "one_matrix": "one matrix being merged",
}
"""The words for a moment. A training moment is the highest instant of its stretch: `forward_end` of the blocks' forward
pass, `loss` of norm, head and loss both ways, `layer_last` and `layer_first` of that block's backward, `backward_end`
of what follows the last block, `update` of clipping and the optimizer."""


class Place(NamedTuple):
    """Where bytes lie. `rank` −1 means each rank alike; `tier` is device, host or disk."""

    rank: int
    tier: str


DEVICE = Place(-1, "device")
HOST = Place(-1, "host")
DISK = Place(-1, "disk")


class Kind(StrEnum):
    """What a line is, for colour and grouping: one hue each, the same in every chart."""

    WEIGHTS = "weights"
    ADAPTER = "adapter"
    GRADIENTS = "gradients"
    STATES = "optimizer states"
    ACTIVATIONS = "activations"
    LOGITS = "logits"
    WORKSPACE = "workspace"
    BATCH = "batch"

    __hash__ = str.__hash__  # as of a Slot: Enum's own is Python code


STATES = frozenset({Kind.WEIGHTS, Kind.ADAPTER, Kind.GRADIENTS, Kind.STATES})
"""What does not grow with the batch, and is counted from shapes."""


class Why(NamedTuple):
    """A sentence with its numbers, written only when somebody reads it: `Why("{n} × {b} bytes", n=3, b=2)`."""

    template: str
    numbers: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        # plain integers are grouped in threes; anything else is shown as it is
        shown = {k: f"{v:,}" if isinstance(v, int) and not isinstance(v, bool) else v for k, v in self.numbers}
        return self.template.format(**shown)


new = tuple.__new__
"""Makes a `Line` or a `Why` of its values in a third of the time of a call: an estimate makes fifty."""


class Line(NamedTuple):
    """One entry. `what` names the tensors in words, `why` is the sentence shown beside the figure.

    bytes: integer, or an int64 array on a grid. alive: the moments at which these bytes are allocated.
    """

    what: str
    kind: Kind
    place: Place
    bytes: Num
    alive: frozenset[At]
    slot: Slot
    why: Why

    def at(self, place: Place) -> Line:
        """The same line at another place."""
        what, kind, _, size, alive, slot, why = self
        return new(Line, (what, kind, place, size, alive, slot, why))
