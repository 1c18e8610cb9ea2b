"""TRL's own loss: the head and the loss in tiles of 4,096 tokens × 32,768 words, never all logits at once."""

from __future__ import annotations

from typing import Any

from planner.autograd.amount import Amount, Extent, fixed, most, per_position, per_token
from planner.autograd.head import Head, head_of
from planner.autograd.operations import cast
from planner.autograd.tape import Gradients, Tape, Value, Weight
from planner.draft import Draft, HeadWork
from planner.facts.data import BatchShape
from planner.ledger import DEVICE, Kind, Line, Why
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import Cost, ScriptPart
from planner.training.evaluation import evaluated_loss
from planner.units import Num, maximum

TILE_TOKENS, TILE_WORDS = 4096, 32768  # TOKEN_CHUNK_SIZE and _CHUNKED_LOGPROB_CHUNK_SIZE of TRL 1.16
# ChunkedLogProbFunction (trl/trainer/utils.py) makes each tile's logits again in backward; without Triton it also folds it
# in float32 copies (as `_fold_forward` and `_fold_backward` have them) and adds gradients up by float32 products
WORK_IN_PLACE = HeadWork(products=2, written_bytes=8)
WORK = HeadWork(products=2, wide_backward=True, written_bytes=76)
WORK_IN_FLOAT32 = HeadWork(products=2, wide_backward=True, written_bytes=64)  # without a copy of each tile, thrice
IN_PLACE = ("cuda", "rocm", "xpu")  # where a Triton kernel folds a tile
FOLDED = (
    "a Triton kernel folds a tile's logits in place (never run here). Where a Linux system lacks Triton, several "
    "float32 copies of a tile come beside them, which are not counted."
)
SIDE_BY_SIDE = "a tile's logits, its probabilities and their gradients lie side by side for a moment."


def per_tile_row(n: int) -> Amount:
    return per_position(n)  # in the head's amounts the second part counts rows of a tile


def fused_tiles(t: Tape, hidden: Value, of: Head) -> Value:
    """TRL's add_fused_lm_head and ChunkedLogProbFunction, asked for log-probabilities, entropy and top-1.

    On a CUDA device a Triton kernel folds each tile in place (read, never run here); elsewhere torch operations do,
    with several float32 copies of the tile side by side (counted here).
    """
    head, vocabulary = of.weight, of.vocabulary
    bits, plain = hidden.bits, t.device not in IN_PLACE
    wide = per_tile_row(min(vocabulary, TILE_WORDS))
    size = hidden.elements
    x = t.result(size, bits, [hidden], lambda g, _: [t.new(size, g.bits)])  # all but the last token, in one piece

    statistics = [t.new(per_token(1), 32) for _ in range(7)]
    buffer = t.new(per_tile_row(TILE_WORDS), bits)
    if plain:
        _fold_forward(t, wide, bits)
    del buffer
    targets = t.new(per_token(1), 64)
    log_z, entropy = t.new(per_token(1), 32), t.new(per_token(1), 32)
    del statistics

    def back(g: Value, saved: list[Any]) -> Gradients:
        of_hidden = t.new(size, 32)
        of_weight = t.new(fixed(head.elements), 32) if head.trained else None
        buffer = t.new(per_tile_row(TILE_WORDS), bits)
        if plain:
            _fold_backward(t, wide, bits)
            if bits != 32:  # acc.addmm_(tile.float(), weight.float()), then the same with the hidden states
                pieces = [t.new(wide, 32), t.new(fixed(wide[1] * size[2]), 32)]
                del pieces
                if of_weight is not None:
                    pieces = [t.new(wide, 32), t.new(per_tile_row(size[2]), 32)]
                    del pieces
        hidden_gradient = cast(t, of_hidden, bits)
        weight_gradient = cast(t, of_weight, head.bits) if of_weight is not None else None
        del buffer  # its name lives until backward returns
        return [hidden_gradient, weight_gradient]

    inputs: list[Value | Weight] = [x, head]
    return t.result(per_token(1), 32, inputs, back, keep=[x, head, targets, log_z, entropy])


def _fold_forward(t: Tape, wide: Amount, bits: int) -> None:
    """_forward_tile: the tile in float32, which entries stand before the target, exponentials, their entropy."""
    copy = t.new(wide, 32) if bits != 32 else None
    scaled = t.new(wide, 32)
    del copy
    z = t.new(wide, 32)
    del scaled
    before_target = t.new(wide, 8)
    others, filled = t.new(wide, 8), t.new(wide, 32)
    del others, filled
    difference = t.new(wide, 32)
    e = t.new(wide, 32)
    del difference
    weighted = t.new(wide, 32)
    del weighted, e, before_target, z


def _fold_backward(t: Tape, wide: Amount, bits: int) -> None:
    """_backward_tile: logits twice, log-probabilities, probabilities, gradient, one-hot targets."""
    copy = t.new(wide, 32) if bits != 32 else None
    y = t.new(wide, 32)
    del copy
    z, log_p, p, grad = (t.new(wide, 32) for _ in range(4))
    is_target = t.new(wide, 8)
    one_hot = t.new(wide, 32)
    difference = t.new(wide, 32)
    del one_hot
    product = t.new(wide, 32)
    del difference, product, y, z, log_p, p, grad, is_target


def _tile_rows(batch: BatchShape) -> Num:
    """The smaller of all tokens that have a target and a tile's."""
    tokens = batch.rows * (batch.seq - 1)
    return tokens + TILE_TOKENS - maximum(tokens, TILE_TOKENS)


class LossFusedTiles:
    slot = Slot.LOSS
    name = "fused_tiles"
    label = "fused tiles"
    short = "fused loss"
    summary = "Head and loss in tiles; pays for long batches and large vocabularies."
    reference = "https://huggingface.co/docs/trl/sft_trainer"
    twin = ""
    Options = NoOptions
    cost = Cost(
        time=1.5,
        source="measured with the embedded model on a CPU and its vocabulary of 49,152; a larger model feels it less",
    )

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        placed = plan.stage.choice(Slot.PLACEMENT)
        device = plan.machine.device(getattr(placed.options, "device", "")) if placed else None
        if device and device.kind in IN_PLACE and plan.machine.os.startswith("Windows"):
            return [
                Problem(
                    "loss.no_triton",
                    "TRL folds these tiles with Triton, which torch has not on Windows; what the loss needs without it "
                    "on a card has not been counted.",
                    "Choose the loss on full logits.",
                )
            ]
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        batch, v = draft.batch, draft.facts.vocab_size
        tile_rows = _tile_rows(batch)
        need = most(head_of(draft, fused_tiles), Extent(tile_rows, batch.tokens, 0))
        line = Line(
            "Logits and loss",
            Kind.LOGITS,
            DEVICE,
            need,
            draft.when.loss,
            Slot.LOSS,
            Why(
                "Head and loss go in tiles of {n} tokens × {w} entries of the vocabulary; "
                + (FOLDED if draft.device in IN_PLACE else SIDE_BY_SIDE),
                (("n", tile_rows), ("w", min(v, TILE_WORDS))),
            ),
        )
        narrow = (draft.flow_bits or draft.compute_bits) != 32
        work = WORK_IN_PLACE if draft.device in IN_PLACE else WORK if narrow else WORK_IN_FLOAT32
        evaluated = evaluated_loss(draft, fused_tiles, _tile_rows(draft.evaluation.batch)) if draft.evaluation else ()
        return draft._replace(lines=(*draft.lines, line, *evaluated), head_work=work)

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(arguments=(("loss_type", "nll"),))
