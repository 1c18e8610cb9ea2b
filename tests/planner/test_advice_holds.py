"""Advice over many random plans, held against brute force: it fits, it is the smallest, and it cuts and shrinks last."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest

from planner.advise import MOST, SHORTEST_LENGTH, advise
from planner.advised import Change
from planner.changes import applied, single_changes
from planner.estimate import Estimate, Verdict, estimate
from planner.explore.explored import FITS
from planner.explore.search import explore
from planner.explore.space import space_of
from planner.facts.data import DataFacts
from planner.facts.gpus import other_machine
from planner.facts.model import catalogue
from planner.plan import Choice, Plan
from planner.presets import default_plan
from planner.room import with_the_room_left
from planner.slots import Slot
from planner.techniques.registry import of_slot, slots
from planner.ways import rank_of

MODELS = (
    "HuggingFaceTB/SmolLM2-360M", "Qwen/Qwen3-0.6B", "meta-llama/Llama-3.2-3B", "openai-community/gpt2-large",
    "microsoft/Phi-3-mini-4k-instruct", "meta-llama/Llama-3.1-8B", "Qwen/Qwen3-14B", "mistralai/Mixtral-8x7B-v0.1",
)  # fmt: skip
CARDS = (
    "NVIDIA GeForce RTX 2080 Ti", "NVIDIA GeForce RTX 3060", "NVIDIA GeForce RTX 4060 Ti", "NVIDIA GeForce RTX 4090",
    "NVIDIA A100 80GB PCIe", "Apple M1, 8 GB",
)  # fmt: skip
SEEDS = 120
EXPLORED = 6  # plans for which the whole space is looked through


class Case(NamedTuple):
    """A plan with its estimate and what is advised."""

    plan: Plan
    now: Estimate
    found: tuple[Change, ...]


def random_plan(seed: int) -> Plan:
    r = random.Random(seed)
    model = catalogue.find(r.choice(MODELS))
    longest = r.choice((60, 400, 3000))
    lengths = tuple(r.randint(20, longest) for _ in range(50)) if r.random() < 0.8 else ()
    data = DataFacts("d", "", "messages", 50, 1, f"{seed}", lengths, "counted" if lengths else "")
    of = default_plan(model, data, other_machine(r.choice(CARDS)), name="random")
    for slot in slots():
        if slot is not Slot.PLACEMENT and r.random() < 0.4:
            t = r.choice(of_slot(slot))
            other = of.with_choice(Choice(slot, t.name, t.Options()))
            of = of if estimate(other).problems else other
    schedule = replace(
        of.stage.schedule,
        micro_batch=r.choice((1, 2, 4, 6, 16)),
        grad_accumulation=r.choice((1, 4)),
        max_length=r.choice((256, 1024, 4096)),
    )
    return of.with_schedule(schedule)


@cache
def cases() -> tuple[Case, ...]:
    """All that do not fit, or are tight."""

    def all_of() -> Iterator[Case]:
        for seed in range(SEEDS):
            of = random_plan(seed)
            now = estimate(of)
            if now.verdict in (Verdict.DOES_NOT_FIT, Verdict.TIGHT):
                yield Case(of, now, advise(of, now))

    return tuple(all_of())


def is_cut(case: Case, change: Change) -> bool:
    return change.plan.stage.schedule.max_length < case.plan.stage.schedule.max_length


def is_smaller_model(case: Case, change: Change) -> bool:
    return change.plan.model != case.plan.model


def uncut(case: Case) -> bool:
    return not any(is_cut(case, c) or is_smaller_model(case, c) for c in case.found)


def test_the_plans_tried_are_of_every_sort() -> None:
    found = cases()
    assert len(found) > 30
    assert sum(len(c.found) == MOST for c in found) > 10
    assert any(len(x.keys) > 2 for c in found for x in c.found)
    assert any(is_smaller_model(c, x) for c in found for x in c.found)
    assert any(is_cut(c, x) for c in found for x in c.found)
    assert {c.now.verdict for c in found} == {Verdict.DOES_NOT_FIT, Verdict.TIGHT}


def test_every_advised_change_applied_fits_and_learns_from_as_many_rows_a_step() -> None:
    for case in cases():
        assert len(case.found) <= MOST
        for change in case.found:
            assert estimate(change.plan).verdict is Verdict.FITS
            assert change.verdict is Verdict.FITS
            before, after = case.plan.stage.schedule, change.plan.stage.schedule
            assert after.micro_batch * after.grad_accumulation == before.micro_batch * before.grad_accumulation
            assert change.plan.data.rows == case.plan.data.rows


def test_advice_is_of_different_kinds_the_smallest_first_and_none_is_more_than_an_earlier_one() -> None:
    for case in cases():
        if uncut(case):
            ranks = [c.rank for c in case.found]
            assert ranks == sorted(ranks)
            for earlier, later in combinations(case.found, 2):
                assert not later.keys >= earlier.keys


def test_no_single_change_that_fits_is_smaller_than_the_advised_one_of_its_kind() -> None:
    told = 0
    for case in cases():
        for step in single_changes(case.plan):
            if step.severity < 0 or estimate(step.apply(case.plan)).verdict is not Verdict.FITS:
                continue
            told += 1
            assert uncut(case)
            rank = rank_of([step])
            assert case.found[0].rank <= rank
            same = next((c for c in case.found if c.keys == {step.key}), None)
            assert same is not None or len(case.found) == MOST
            assert (same or case.found[-1]).rank <= rank
    assert told > 20


def test_no_pair_of_changes_that_fits_is_smaller_than_what_is_advised() -> None:
    told = 0
    for case in cases()[::2]:
        steps = [s for s in single_changes(case.plan) if s.severity >= 0]
        alone = {id(s) for s in steps if estimate(s.apply(case.plan)).verdict is Verdict.FITS}
        for pair in combinations(steps, 2):
            keys = {s.key for s in pair}
            if (
                len({key.split(".")[0] for key in keys - {"schedule.micro_batch"}}) + ("schedule.micro_batch" in keys)
                < 2
            ):
                continue  # two answers to one question
            if any(id(s) in alone for s in pair) or estimate(applied(case.plan, pair)).verdict is not Verdict.FITS:
                continue
            told += 1
            assert uncut(case)
            rank = rank_of(pair)
            covered = any(c.keys <= keys and c.rank <= rank for c in case.found)
            assert covered or (len(case.found) == MOST and case.found[-1].rank <= rank), (pair, case.found)
    assert told > 10


def test_no_part_of_an_advised_change_could_be_left_out() -> None:
    told = 0
    for case in cases():
        for change in case.found:
            before, after = case.plan.stage, change.plan.stage
            without = [change.plan.with_choice(a) for a, b in zip(before.choices, after.choices, strict=True) if a != b]
            if after.schedule.micro_batch != before.schedule.micro_batch:
                rows = replace(before.schedule, max_length=after.schedule.max_length)
                without.append(change.plan.with_schedule(rows))
            if len(without) > 1 or is_cut(case, change) or is_smaller_model(case, change):
                told += 1
                assert not any(estimate(p).verdict is Verdict.FITS for p in without), change.title
    assert told > 20


def test_rows_are_cut_only_where_no_combination_of_techniques_fits_uncut() -> None:
    told = 0
    for case in cases():
        if any(is_cut(case, c) for c in case.found):
            told += 1
            assert not fits_anywhere(case.plan, (case.plan.stage.schedule.max_length,))
            if told == EXPLORED:
                return
    assert told


def test_a_smaller_model_is_proposed_only_where_no_combination_fits_however_short_the_rows() -> None:
    told = 0
    for case in cases():
        smaller = [is_smaller_model(case, c) for c in case.found]
        if any(smaller):
            told += 1
            assert all(smaller)
            own = case.plan.stage.schedule.max_length
            longest = max(case.plan.data.lengths, default=own)
            lengths = {own, *((SHORTEST_LENGTH,) if longest > SHORTEST_LENGTH else ())}
            assert not fits_anywhere(case.plan, tuple(lengths))
            if told == EXPLORED:
                return
    assert told > 2


def test_what_the_room_left_is_offered_for_changes_something_and_fits() -> None:
    told = 0
    for seed in range(0, SEEDS, 2):
        of = random_plan(seed)
        now = estimate(of)
        for change in with_the_room_left(of, now):
            told += 1
            assert now.verdict is Verdict.FITS
            assert estimate(change.plan).verdict is Verdict.FITS
            assert change.short
            longest = max(of.data.lengths, default=of.model.max_positions or 0)
            length = change.plan.stage.schedule.max_length
            assert length == of.stage.schedule.max_length or length <= longest
    assert told > 20


def fits_anywhere(of: Plan, lengths: tuple[int, ...]) -> bool:
    """Whether anything of the explored space fits, at these lengths, with any batch."""
    space = space_of(of)
    batches = sorted({(rows, accumulation) for rows, accumulation, _ in space.grid})
    grid = tuple((rows, accumulation, length) for rows, accumulation in batches for length in lengths)
    found = explore(of, replace(space, grid=grid))
    return bool(np.any(found.verdicts() == FITS))


def test_what_exploring_alone_finds_is_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the search through single changes the explored space still finds a way, at the plan's own length."""
    monkeypatch.setattr("planner.ways.Search.smallest", lambda self, most: [])
    told = 0
    for case in cases():
        if len(case.found) == MOST and uncut(case):
            (found,) = advise(case.plan, case.now)
            assert found.verdict is Verdict.FITS
            assert not is_cut(case, found)
            assert not is_smaller_model(case, found)
            assert found.title
            told += 1
            if told == 3:
                return
    pytest.fail("too few plans")
