"""The loss in tiles: never wider than 32,768 entries nor longer than 4,096 tokens, and not on a card under Windows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.drafting import draft
from planner.estimate import Verdict, estimate
from planner.facts.data import BatchShape
from planner.plan import Plan
from planner.slots import Slot
from planner.techniques.loss_fused_tiles import TILE_TOKENS, TILE_WORDS, LossFusedTiles
from tests.planner.test_estimate import MODEL, ON_CARD, machine, plan
from tests.small_run import choose
from tests.techniques.by_hand import size

TILES = choose(Slot.LOSS, "fused_tiles")


def with_vocabulary(vocab_size: int) -> Plan:
    return replace(plan(TILES), model=replace(MODEL, vocab_size=vocab_size))


def test_a_vocabulary_wider_than_a_tile_needs_no_more_than_one_tile() -> None:
    narrow, full, wide = (size(with_vocabulary(n), "Logits and loss") for n in (1000, 32_768, 151_936))
    assert narrow < full == wide
    (line,) = [x for x in draft(with_vocabulary(151_936)).lines if x.what == "Logits and loss"]
    assert dict(line.why.numbers)["w"] == 32_768


def test_beyond_a_tiles_length_a_token_costs_no_more_logits() -> None:
    """The loss has one token less than the row. Behind the tile only hidden states and statistics grow."""

    def need(tokens: int) -> int:
        return size(plan(TILES), "Logits and loss", 1, tokens + 1)

    assert (need(4096) - need(2048)) / 2048 > 4 * 32_768
    assert (need(8192) - need(4096)) / 4096 < 5 * 4 * MODEL.hidden_size
    (line,) = [x for x in draft(plan(TILES), 0, BatchShape(1, 9000)).lines if x.what == "Logits and loss"]
    assert dict(line.why.numbers)["n"] == 4096


def test_the_tile_is_as_large_as_trl_makes_it() -> None:
    pytest.importorskip("trl", reason="needs the [train] extra")
    from trl.kernels.chunked_logprob import TOKEN_CHUNK_SIZE
    from trl.trainer.utils import _CHUNKED_LOGPROB_CHUNK_SIZE

    assert (TILE_TOKENS, TILE_WORDS) == (TOKEN_CHUNK_SIZE, _CHUNKED_LOGPROB_CHUNK_SIZE)


@pytest.mark.parametrize(
    ("system", "on_card", "codes"),
    [
        ("Windows", True, ["loss.no_triton"]),
        ("Windows 11", True, ["loss.no_triton"]),
        ("Windows", False, []),
        ("Linux", True, []),
        ("Darwin", False, []),
    ],
)
def test_only_a_card_under_windows_lacks_the_kernel(system: str, on_card: bool, codes: list[str]) -> None:
    at = replace(machine(), os=system)
    made = estimate(plan(TILES, *([ON_CARD] if on_card else []), at=at))
    assert [p.code for p in made.problems] == codes
    assert (made.verdict is Verdict.CANNOT_TELL) == bool(codes)
    full_logits = plan(choose(Slot.LOSS, "full_logits"), *([ON_CARD] if on_card else []), at=at)
    assert not estimate(full_logits).problems  # what it advises


def test_the_trainer_is_asked_for_its_own_loss() -> None:
    part = LossFusedTiles().script(LossFusedTiles.Options(), plan(TILES))
    assert (dict(part.arguments), part.mixin) == ({"loss_type": "nll"}, "")
