"""What the losses of the planner keep and make, against the same losses run for real on small tensors."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from planner.autograd.amount import Extent, most
from planner.autograd.head import head_of
from planner.draft import Draft, Loop
from planner.facts.data import BatchShape
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families import stacks_of
from planner.schedule import Schedule
from planner.techniques.attention_sdpa import attend
from planner.training.loss_lines import Loss
from planner.training.losses import LogitsInPieces, WholeLogits
from tests.live_bytes import LiveBytes

ROWS, SEQ, HIDDEN, VOCABULARY, PIECES = 2, 64, 32, 2048, 8
TOKENS = ROWS * SEQ


def predicted(loss: Loss, trained: bool) -> int:
    facts = ModelFacts(
        "t", "catalogue", "LlamaForCausalLM", "dense_gated_decoder", VOCABULARY, HIDDEN, 64, 2, 2, 2, 16, False
    )
    stacks = tuple(
        replace(s, tensors=tuple(replace(x, bits=16, trained=trained and x.role != "buffer") for x in s.tensors))
        for s in stacks_of(facts)
    )
    draft = Draft(
        facts, Schedule(), BatchShape(ROWS, SEQ, False), "cpu", 0, stacks, compute_bits=16, attend=attend, loop=Loop()
    )
    return int(most(head_of(draft, loss), Extent(TOKENS // PIECES, TOKENS, 0)))


def counted(kind: str, trained: bool) -> int:
    """The most bytes alive from the final norm to the gradient of what it read."""
    torch.manual_seed(0)
    x = torch.randn(ROWS, SEQ, HIDDEN, dtype=torch.bfloat16, requires_grad=True)
    norm = torch.ones(HIDDEN, dtype=torch.bfloat16, requires_grad=trained)
    weight = torch.randn(VOCABULARY, HIDDEN, dtype=torch.bfloat16, requires_grad=trained)
    labels = torch.randint(0, VOCABULARY, (ROWS, SEQ))

    def normed(x: torch.Tensor) -> torch.Tensor:
        wide = x.to(torch.float32)
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)
        return norm * wide.to(torch.bfloat16)

    def whole(held: list[torch.Tensor]) -> torch.Tensor:
        logits = torch.nn.functional.linear(normed(x), weight)
        if kind == "whole, held":
            held[:] = [logits]
        logits = logits.view(-1, VOCABULARY) if kind == "model's own type" else logits.float().view(-1, VOCABULARY)
        return cross_entropy(logits, labels.view(-1), reduction="sum")

    def in_pieces(held: list[torch.Tensor]) -> torch.Tensor:
        parts = [torch.nn.functional.linear(one, weight) for one in normed(x).chunk(PIECES, dim=1)]
        if kind == "pieces, held":
            parts = [part.float() for part in parts]
            held[:] = parts
        losses = [
            cross_entropy(part.reshape(-1, VOCABULARY).float(), own.reshape(-1), reduction="sum")
            for part, own in zip(parts, labels.chunk(PIECES, dim=1), strict=True)
        ]
        return torch.stack(losses).sum()

    held: list[torch.Tensor] = []
    with LiveBytes(x, norm, weight, labels) as live:
        for _ in range(2):  # what a loop still holds of a step is there in the next one
            loss = in_pieces(held) if kind.startswith("pieces") else whole(held)
            loss.backward()
            del loss
            x.grad = norm.grad = weight.grad = None
    return live.most


KINDS: dict[str, Loss] = {
    "whole": WholeLogits(),
    "whole, held": WholeLogits(held=True),
    "model's own type": WholeLogits(upcast=False),
    "pieces": LogitsInPieces(PIECES),
    "pieces, held": LogitsInPieces(PIECES, held=True),
}


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_needs_what_torch_counts(kind: str, trained: bool) -> None:
    assert predicted(KINDS[kind], trained) == pytest.approx(counted(kind, trained), rel=0.02)


def test_a_loop_that_holds_its_logits_needs_more_than_one_that_does_not() -> None:
    for trained in (False, True):
        assert predicted(KINDS["whole, held"], trained) - predicted(KINDS["whole"], trained) == 2 * VOCABULARY * TOKENS


def test_pieces_need_less_than_the_whole() -> None:
    assert predicted(KINDS["pieces"], False) < predicted(KINDS["whole"], False)
