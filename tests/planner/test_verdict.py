"""The verdict is that of the place that is worst off, whichever place has least to spare."""

from __future__ import annotations

import pytest

from planner.ledger import DEVICE, DISK, HOST, At, Place
from planner.tier import Reserved, Tier, Verdict
from planner.units import GIB
from planner.verdict import judge, sentence

LOAD = At(0, "load", "weights")


def tier(place: Place, low: int, high: int, budget: int, capacity: int = 64 * GIB) -> Tier:
    live = (low + high) // 2
    beside = Reserved(low - live, 0, high - live, "")
    return Tier(place, place.tier, capacity, budget, (), ((LOAD, live),), None, live, beside)


FITS = tier(DEVICE, 2 * GIB, 3 * GIB, 4 * GIB)
TIGHT = tier(HOST, 15 * GIB, 20 * GIB, 16 * GIB)
OVER = tier(DISK, 3 * GIB, 3 * GIB, 2 * GIB)


@pytest.mark.parametrize(
    ("tiers", "said"),
    [
        ((FITS,), Verdict.FITS),
        ((FITS, TIGHT), Verdict.TIGHT),
        ((TIGHT, OVER), Verdict.DOES_NOT_FIT),  # the tight one lacks more by its high figure
        ((OVER, FITS), Verdict.DOES_NOT_FIT),
        ((OVER, TIGHT._replace(capacity_bytes=0)), Verdict.CANNOT_TELL),
    ],
)
def test_the_verdict_is_the_worst_of_all_places(tiers: tuple[Tier, ...], said: Verdict) -> None:
    assert judge(tiers) is said
    assert judge(tiers[::-1]) is said


def test_the_sentence_speaks_of_the_place_that_decides() -> None:
    assert "1.00 GiB over" in sentence((TIGHT, OVER), (), certain=True)
    lesser = tier(DISK, 3 * GIB, 3 * GIB, GIB * 5 // 2)
    assert "1.00 GiB over" in sentence((lesser, OVER), (), certain=True)


def test_what_could_go_on_only_by_swapping_does_not_fit_and_says_so() -> None:
    over = tier(HOST, 20 * GIB, 24 * GIB, 16 * GIB)._replace(swap_bytes=8 * GIB)
    assert judge((over,)) is Verdict.DOES_NOT_FIT
    assert "only by swapping 4.00 GiB to the disk" in sentence((over,), (), certain=True)
    assert "swapping" not in sentence((over._replace(swap_bytes=3 * GIB),), (), certain=True)  # not even so
    assert "swapping" not in sentence((over._replace(swap_bytes=0),), (), certain=True)


def test_swap_changes_no_verdict() -> None:
    for one in (FITS, TIGHT, OVER):
        assert judge((one._replace(swap_bytes=1 << 60),)) is judge((one,))
