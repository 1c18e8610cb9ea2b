"""Losses on the logits of a vocabulary: whole, in pieces, compiled, or never made at all.

Each is a frozen description that runs on the tape between the hidden state and one number, so that a head of any kind
(tied or not, trained, packed, with an adapter) comes out of the same few operations. Writes no lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from planner.autograd.amount import Amount, fixed, per_position, per_token, times
from planner.autograd.head import Head
from planner.autograd.operations import cast, log_softmax, negative_log_likelihood, view
from planner.autograd.tape import Gradients, Tape, Value, Weight

EACH_TOKEN = per_token(1)
MOST_PIECES = 64  # that are followed one by one; of more, one piece is a small part of the whole anyway


def cross_entropy(t: Tape, logits: Value, rows: Amount = EACH_TOKEN) -> Value:
    """torch's own: log-probabilities of every entry, of which one each counts; rows: how many there are."""
    targets = t.new(rows, 64)
    return negative_log_likelihood(t, log_softmax(t, logits), targets)


def compiled_cross_entropy(t: Tape, logits: Value, wide: bool, rows: Amount = EACH_TOKEN) -> Value:
    """The same through torch.compile: it keeps the logits as they come and two numbers a row, and widens them inside.

    Counted on the CPU with torch 2.13 (saved tensors of the compiled function). wide: backward also fills a float32
    gradient of the picked entries first, where the compiler does not fuse that.
    """
    most, sums = t.new(rows, 32), t.new(rows, 32)
    targets = t.new(rows, 64)
    elements = logits.elements

    def back(g: Value, saved: list[Any]) -> Gradients:
        picked = t.new(elements, 32) if wide else None
        out = t.new(elements, logits_bits)
        del picked
        return [out]

    logits_bits = logits.bits
    return t.result(fixed(1), 32, [logits], back, keep=[logits, targets, most, sums])


@dataclass(frozen=True)
class WholeLogits:
    """Logits of every token at once. upcast: to float32 for the loss, else in the matmul's own type.

    held: the loop still holds the logits in backward. compiled: the loss runs through torch.compile.
    """

    upcast: bool = True
    held: bool = False
    compiled: bool = False

    def __call__(self, t: Tape, hidden: Value, head: Head) -> Value:
        logits = head.logits(hidden)
        if self.held:
            head.held.append(logits)
        padded = t.new(per_token(1), 64)
        read = cast(t, logits, 32) if self.upcast else logits  # the model's forward still names its own
        loss = compiled_cross_entropy(t, read, True) if self.compiled else cross_entropy(t, read)
        del padded
        return loss

    def held_bits(self, compute_bits: int) -> int:
        """Of each logit that outlives backward."""
        return compute_bits if self.held else 0


@dataclass(frozen=True)
class LogitsInPieces:
    """Head and loss in `pieces` of equal length along the rows; what each keeps stays for backward.

    held: the loop holds the list of pieces, which left the model as float32 (a precision plugin widens what a model
    returns); otherwise each piece is widened inside its own loss, and the list is gone before backward.
    """

    pieces: int
    held: bool = False
    compiled: bool = False

    def __call__(self, t: Tape, hidden: Value, head: Head) -> Value:
        n, h, v = self.pieces, hidden.elements[2], head.vocabulary
        if n < 2:
            return WholeLogits(held=self.held, compiled=self.compiled)(t, hidden, head)
        rows = [per_position(1)] * (n - 1) + [(0, 1 - n, 1, 0)]
        before = t.new(per_token(v), 32) if self.held else None  # the last step's, until their name is given anew
        parts = self._logits(t, hidden, head, rows, h, v)
        del hidden
        if self.held:
            parts = [cast(t, part, 32) for part in parts]
            head.held += parts
        del before
        losses = []
        for part, one in zip(parts, rows, strict=True):
            if self.compiled:
                losses.append(compiled_cross_entropy(t, part, False, one))
            else:
                losses.append(cross_entropy(t, cast(t, part, 32), one))
        del parts, part
        return t.result(fixed(1), 32, losses, lambda g, _: [t.new(fixed(1), 32) for _ in range(n)])

    def _logits(self, t: Tape, hidden: Value, head: Head, rows: list[Amount], h: int, v: int) -> list[Value]:
        if head.plain and head.weight.trained:
            weight = t.shared(head.weight)
            pieces = _cut(t, hidden, [times(h, one) for one in rows], True)
            return [
                _piece(t, x, weight, head.weight, times(v, one), head.compute_bits)
                for x, one in zip(pieces, rows, strict=True)
            ]
        copies = [t.new(fixed((self.pieces - 1) * head.copied_bytes), 8)] if head.copied_bytes else []
        return _cut(t, head.logits(hidden), [times(v, one) for one in rows], False, copies)

    def held_bits(self, compute_bits: int) -> int:
        """Of each logit that outlives backward."""
        return 32 if self.held else 0


def in_pieces(pieces: int, piece_tokens: int, tokens: int, held: bool, compiled: bool) -> tuple[LogitsInPieces, int]:
    """The loss in this many pieces of so many tokens each, and the tokens of one piece as it is followed."""
    if pieces > MOST_PIECES:
        pieces, piece_tokens = MOST_PIECES, -(-tokens // MOST_PIECES)
    return LogitsInPieces(pieces, held, compiled), piece_tokens


@dataclass(frozen=True)
class FusedLinear:
    """Liger's fused linear cross entropy: pieces of logits are turned into their gradient in place, in forward.

    fused_linear_cross_entropy_forward: as many pieces as vocabulary ÷ hidden size, rounded up to a power of two rows.
    A float32 gradient of the head is added up where the head is trained.
    """

    pieces: int

    def __call__(self, t: Tape, hidden: Value, head: Head) -> Value:
        bits, size, weight = hidden.bits, hidden.elements, head.weight
        of_hidden = t.new(size, bits)
        of_weight = t.new(fixed(weight.elements), weight.bits) if weight.trained else None
        rows = per_position(head.vocabulary) if self.pieces > 1 else per_token(head.vocabulary)
        logits = t.new(rows, bits)
        product = t.new(fixed(weight.elements), weight.bits) if weight.trained else None
        del logits, product
        keep = [of_hidden] if of_weight is None else [of_hidden, of_weight]

        def back(g: Value, saved: list[Any]) -> Gradients:
            return [Value(t, x.elements, x.bits, None, x.storage) for x in saved]

        inputs: list[Value | Weight] = [hidden] if of_weight is None else [hidden, weight]
        return t.result(fixed(1), 32, inputs, back, keep=keep)

    def held_bits(self, compute_bits: int) -> int:
        return 0


@dataclass(frozen=True)
class FewLabels:
    """A classifier: one small matmul and a loss over a handful of labels for each row; what it makes is not worth a line."""

    labels: int = 2

    def __call__(self, t: Tape, hidden: Value, head: Head) -> Value:
        h = hidden.elements[2]
        matrix = Weight(h * self.labels, hidden.bits, True)
        scores = _piece(t, view(t, hidden), t.shared(matrix), matrix, per_token(self.labels), hidden.bits)
        return cross_entropy(t, cast(t, scores, 32))

    def held_bits(self, compute_bits: int) -> int:
        return 0


def _cut(t: Tape, whole: Value, sizes: list[Amount], copied: bool, beside: Sequence[Value] = ()) -> list[Value]:
    """A value in pieces along its rows; in backward their gradients are joined when the last one has come.

    copied: views, and into one gradient, as `split` does; otherwise the pieces are made apart, each a value of its own,
    and are only taken together here. beside: what is kept until then.
    """
    collected: list[Value] = []
    full, bits = whole.elements, whole.bits

    def join(g: Value, saved: list[Any]) -> Gradients:
        if not copied:
            collected.clear()
        out = t.new(full, bits)
        collected.clear()
        return [out]

    joined = t.result(full, bits, [whole], join, keep=list(beside), storage=whole.storage)
    if not copied:
        t.hand_over(whole)

    def cut(size: Amount) -> Value:
        def back(g: Value, saved: list[Any]) -> Gradients:
            collected.append(g)
            return [t.new(fixed(0), bits)]

        return t.result(size, bits, [joined], back, storage=whole.storage if copied else None)

    return [cut(size) for size in sizes]


def _piece(t: Tape, x: Value, shared: Value, weight: Weight, elements: Amount, bits: int) -> Value:
    """One piece's matmul with a weight that all pieces share: each makes a gradient of the whole weight."""
    size, wants = x.elements, x.node is not None

    def back(g: Value, saved: list[Any]) -> Gradients:
        of_weight = t.new(fixed(weight.elements), bits)
        of_weight.is_view = True
        return [t.new(size, g.bits) if wants else None, of_weight]

    return t.result(elements, bits, [cast(t, x, bits), shared], back, keep=[x])
