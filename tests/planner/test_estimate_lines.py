"""Lines that no count of a training step reaches: loading, the sample, the disk, the card. Each by hand, to the byte."""

from __future__ import annotations

import re

import pytest

from planner.estimate import estimate
from planner.ledger import DISK, HOST, Line
from planner.plan import Choice
from planner.slots import Slot
from planner.stored import CHECKPOINTS_AT_ONCE
from tests.planner.test_estimate import ON_CARD, plan
from tests.small_run import choose

HIDDEN, MIDDLE, LAYERS, VOCABULARY, KEYS, HEAD = 576, 1536, 30, 49152, 192, 64
WEIGHTS = VOCABULARY * HIDDEN + LAYERS * (HIDDEN * (2 * HIDDEN + 2 * KEYS + 3 * MIDDLE) + 2 * HIDDEN) + HIDDEN
ADAPTER = 8 * LAYERS * (2 * (HIDDEN + HIDDEN) + 2 * (HIDDEN + KEYS) + 3 * (HIDDEN + MIDDLE))
ANSWER = len("Why?") + 64 + 48  # tokens: bytes of the question, the template, the answer
FULL = choose(Slot.TRAINABLE, "full")
TOKENS = 4 * 64


def line(what: str, *choices: Choice) -> Line:
    (found,) = [x for x in estimate(plan(*choices)).lines if x.what == what]
    return found


def test_what_loading_and_the_sample_hold() -> None:
    assert line("Weights").bytes == 2 * WEIGHTS + 4 * 2 * HEAD // 2
    assert line("Adapter").bytes == 4 * ADAPTER
    assert line("One tensor being copied").bytes == 2 * VOCABULARY * HIDDEN
    assert line("Keys and values of the sample").bytes == 2 * LAYERS * KEYS * 2 * ANSWER


def test_a_block_that_writes_the_sample_makes_the_feed_forward_products_at_once() -> None:
    """Fullest where gate and up are there beside what came in, what is left of attention, and their product."""
    hidden, middle = 2 * HIDDEN * ANSWER, 2 * MIDDLE * ANSWER
    assert 3 * middle < line("One block, writing", FULL).bytes < 4 * middle + 4 * hidden


def test_what_checkpoints_and_the_result_take_on_the_disk() -> None:
    states = 2 * 4 * ADAPTER + 4 * 2 * 7 * LAYERS
    assert line("Saved model").bytes == (CHECKPOINTS_AT_ONCE + 1) * 4 * ADAPTER
    assert line("Saved optimizer states").bytes == CHECKPOINTS_AT_ONCE * states
    assert {line("Saved model").place, line("Saved optimizer states").place} == {DISK}
    copy = line("Copy for the checkpoint", ON_CARD)
    assert (copy.bytes, copy.place) == (states, HOST)


def test_on_a_card_no_batch_waits_and_dropout_keeps_one_byte() -> None:
    assert line("Batch", ON_CARD).bytes == 24 * TOKENS
    assert line("Batch").bytes == 2 * 24 * TOKENS
    dropped = choose(Slot.TRAINABLE, "lora", dropout=0.1, target_modules=("gate_proj",))
    kept = choose(Slot.TRAINABLE, "lora", target_modules=("gate_proj",))
    more = line("Kept by the last block", ON_CARD, dropped).bytes - line("Kept by the last block", ON_CARD, kept).bytes
    assert more == TOKENS * HIDDEN  # the noise; the dropped input is kept in place of the undropped one


def test_on_a_card_a_tile_is_one_buffer() -> None:
    """Beside it, of hidden states: their float32 gradient, its cast, and at most twice as much of the norm's."""
    tiles = choose(Slot.LOSS, "fused_tiles")
    buffer, hidden = 2 * 32768 * 4 * 63, 4 * TOKENS * HIDDEN
    assert buffer + hidden < line("Logits and loss", ON_CARD, tiles).bytes < buffer + 3.5 * hidden


@pytest.mark.parametrize("choices", [(), (FULL,), (ON_CARD,), (choose(Slot.ATTENTION, "eager"), FULL)])
def test_no_sentence_counts_one_of_several(choices: tuple[Choice, ...]) -> None:
    for one in estimate(plan(*choices)).lines:
        assert not re.search(r"(?<![\d,.])1 (bytes|batches|blocks|tokens)", str(one.why)), (one.what, str(one.why))


def test_the_sentence_of_the_weights_adds_up() -> None:
    numbers = dict(line("Weights").why.numbers)
    assert numbers["n"] * numbers["b"] + numbers["r"] == line("Weights").bytes
    assert "tied" in str(line("Weights").why)
