"""The loss of a row."""

from __future__ import annotations

from benchmarks.truth.row import Row
from planner.draft import Draft
from planner.ledger import Line
from planner.problem import fail
from planner.training.loss_lines import Loss, loss_lines
from planner.training.losses import FewLabels, FusedLinear, WholeLogits, in_pieces


def lines(row: Row, draft: Draft) -> tuple[Line, ...]:
    """Head and loss."""
    return loss_lines(draft, *loss(row, draft))


def loss(row: Row, draft: Draft) -> tuple[Loss, int]:
    """The row's loss, and the tokens of one of its pieces, 0 where it has none."""
    held, compiled, tokens = bool(row.keeps_outputs), bool(row.compile), draft.batch.tokens
    if row.logits == "sequence_classification":
        return FewLabels(), 0
    if not any(x.role == "head" for x in draft.stacks[-1].tensors):
        raise fail("row.head", f"{draft.facts.architecture} has no head that makes logits of a vocabulary", "")
    if row.logits == "chunked":
        count = row.logits_chunk_count or -(-draft.batch.seq // (row.logits_chunk_tokens or draft.batch.seq))
        of_piece = draft.batch.rows * row.logits_chunk_tokens if row.logits_chunk_tokens else -(-tokens // count)
        return in_pieces(count, of_piece, tokens, held, compiled)
    if row.logits == "fused":
        facts = draft.facts
        rows = -(-tokens // max(1, facts.vocab_size // facts.hidden_size))
        of_piece = 1 << (rows - 1).bit_length()  # rounded up to a power of two
        return FusedLinear(-(-tokens // of_piece)), of_piece
    if row.logits == "last_position":
        raise fail("row.logits", "training with a loss on the last position only is not computed", "")
    return WholeLogits(row.logits != "all_positions_model_dtype", held, compiled), 0
