"""What the Plan page says is the estimate and nothing else: sums agree, words fit the verdict, nothing can be stale."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.pages.plan.advice import suggestions
from app.pages.plan.choices import need_bytes, option_offers, technique_offers
from app.pages.plan.edits import SCHEDULE, options_of, with_option
from app.pages.plan.state import data_bins, data_sentence, machine_sentence, title, view
from app.shown import CONTEXT, RESERVED, span_words
from planner.advise import advise
from planner.estimate import Verdict, estimate
from planner.evidence import of_plan
from planner.interval import causes_in_words
from planner.options import described
from planner.plan import Plan
from planner.slots import Slot
from planner.techniques.registry import of_slot, slots
from planner.units import GIB, words

MakePlan = Callable[..., Plan]


def test_rows_at_the_peak_sum_to_the_expected_figure(make_plan: MakePlan) -> None:
    result = estimate(make_plan())
    shown = view(result)
    assert sum(row.bytes for row in shown.rows) == result.tiers[0].peak_bytes
    assert sum(row.share for row in shown.rows) == pytest.approx(1.0)
    assert words(result.tiers[0].peak_bytes) in shown.expected


def test_bar_parts_are_the_rows(make_plan: MakePlan) -> None:
    shown = view(estimate(make_plan()))
    assert {(p.key, p.bytes) for p in shown.bars[0].parts} == {(r.key, r.bytes) for r in shown.rows}


def test_the_load_line_stands_where_the_budget_ends(make_plan: MakePlan) -> None:
    result = estimate(make_plan(free_gib=12.0, total_gib=16.0))
    shown = view(result).bars[0]
    assert shown.others_bytes == 4 * GIB
    assert shown.load_line_bytes == shown.others_bytes + result.tiers[0].budget_bytes == 16 * GIB
    assert shown.others == tuple((h.name, h.bytes) for h in result.tiers[0].others)


@pytest.mark.parametrize(
    ("free_gib", "verdict", "text"),
    [(12.0, Verdict.FITS, "Fits"), (0.2, Verdict.DOES_NOT_FIT, "Does not fit")],
)
def test_words_and_start_button_follow_the_verdict(
    make_plan: MakePlan, free_gib: float, verdict: Verdict, text: str
) -> None:
    result = estimate(make_plan(free_gib=free_gib))
    shown = view(result)
    assert result.verdict is verdict
    assert shown.headline.startswith(text)
    assert shown.start_text == ("Start" if verdict is Verdict.FITS else "Start anyway")


def test_exactly_one_moment_is_the_peak_and_it_is_the_highest(make_plan: MakePlan) -> None:
    shown = view(estimate(make_plan()))
    peaks = [m for m in shown.moments if m.peak]
    assert len(peaks) == 1
    assert peaks[0].bytes == max(m.bytes for m in shown.moments)


def test_choosing_a_moment_shows_what_is_alive_then(make_plan: MakePlan) -> None:
    result = estimate(make_plan())
    for at, size in result.tiers[0].totals:
        shown = view(result, at)
        assert shown.chosen == at
        assert sum(r.bytes for r in shown.rows if r.key not in (RESERVED, CONTEXT)) == size


def test_the_rows_at_the_peak_add_up_to_the_expected_figure(make_plan: MakePlan) -> None:
    result = estimate(make_plan())
    shown = view(result)
    assert sum(r.bytes for r in shown.rows) == result.tiers[0].peak_bytes
    assert sum(p.bytes for p in shown.bars[0].parts) == result.tiers[0].peak_bytes
    assert [r.key for r in shown.rows].count(CONTEXT) == 1


def test_the_page_says_what_like_plans_missed_by_and_what_makes_the_interval_wide(make_plan: MakePlan) -> None:
    result = estimate(make_plan())
    found = of_plan(result.plan)
    assert found is not None
    assert view(result).evidence == f"{found} {causes_in_words(result.tiers[0].reserved.causes)}"


def test_a_moment_that_is_gone_falls_back_to_the_peak(make_plan: MakePlan) -> None:
    result = estimate(make_plan())
    gone = result.timeline[0]._replace(phase="another phase")
    assert view(result, gone).chosen == result.tiers[0].peak_at


def test_every_menu_prices_its_entries_with_real_estimates(make_plan: MakePlan) -> None:
    plan = make_plan()
    now = estimate(plan)
    for slot in slots():
        offers = {o.value: o for o in technique_offers(now, slot)}
        assert set(offers) == {t.name for t in of_slot(slot)}
        current = plan.stage.choice(slot)
        assert current is not None
        assert offers[current.technique].difference == ""
        for field, d in described(options_of(plan, slot)):
            for offer in option_offers(now, slot, field.name, options_of(plan, slot)) if d.choices else ():
                then = estimate(with_option(plan, slot, field.name, offer.value))
                if offer.difference not in ("", "±0"):
                    assert (need_bytes(then) or 0) != need_bytes(now)


def test_an_impossible_choice_says_why(make_plan: MakePlan) -> None:
    plan = make_plan()
    offers = option_offers(estimate(plan), SCHEDULE, "lr_scheduler", plan.stage.schedule)
    assert all(not o.reason for o in offers)
    placed = with_option(plan, Slot.PLACEMENT, "device", "cuda:7")
    broken = estimate(placed)
    assert broken.verdict is Verdict.CANNOT_TELL
    shown = view(broken)
    assert shown.headline.startswith("Cannot tell")
    assert shown.start_text == "Start anyway"
    assert shown.rows == ()
    assert shown.bars == ()


def test_advice_makes_it_fit_and_room_keeps_it_fitting(make_plan: MakePlan) -> None:
    need = need_bytes(estimate(make_plan()))
    assert need is not None
    tight = estimate(make_plan(free_gib=need / GIB * 0.7))
    heading, ways = suggestions(tight)
    assert tight.verdict is Verdict.DOES_NOT_FIT
    assert ways, heading
    assert all(estimate(s.plan).verdict is not Verdict.DOES_NOT_FIT for s in ways)
    heading, more = suggestions(estimate(make_plan()))
    assert heading == "With the room left:"
    assert all(estimate(s.plan).verdict is Verdict.FITS for s in more)


def test_data_and_machine_are_said_in_sentences(make_plan: MakePlan) -> None:
    plan = make_plan()
    assert "longest batch" in data_sentence(plan)
    assert "browser" in machine_sentence(plan, here=True)
    bins = data_bins(plan)
    assert bins is not None
    assert sum(bins.counts) == plan.data.rows
    short = with_option(plan, SCHEDULE, "max_length", 8)
    assert "rows cut" in data_sentence(short)


def test_titles_name_model_and_place(make_plan: MakePlan) -> None:
    assert title(make_plan(), here=True) == "SmolLM2-135M on this computer"
    assert title(make_plan(kind="cuda"), here=True) == "SmolLM2-135M on the A card"


def test_spans_share_their_unit() -> None:
    assert span_words(3 << 29, 1 << 31) == "1.50 – 2.00 GiB"
    assert span_words(1 << 29, 1 << 31) == "512 MiB – 2.00 GiB"


def test_a_chip_says_once_what_it_gives_up(make_plan: MakePlan) -> None:
    plan = make_plan(free_gib=1.2)
    lossy = [c for c in advise(plan, estimate(plan)) if c.loses]
    assert lossy
    told = {s.plan: s.detail for s in suggestions(estimate(plan))[1]}
    for change in lossy:
        assert told[change.plan].count(change.loses) == 1
