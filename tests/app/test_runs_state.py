"""What the Runs page shows of all runs: search, filters with counts, order, what differs, and words that hold. No window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.pages.runs.differing import differences, differing_words, settings
from app.pages.runs.overview import said_took_words, trust_rows
from app.pages.runs.state import RunsState
from app.pages.runs.words import COLUMNS, HEADINGS, SIGNS, cells, date_words, miss_words
from planner.run.disk_use import DiskUse
from planner.run.library import Library, RunState, RunSummary
from planner.slots import Slot
from planner.units import MIB
from tests.run_folders import a_plan


def run(key: str, state: RunState = RunState.DONE, **changes: object) -> RunSummary:
    plain = RunSummary(
        Path("runs") / key,
        name=f"Run {key}",
        state=state,
        model="someone/Model-7B",
        method="LoRA, rank 8",
        step=4,
        total_steps=4,
        loss=1.5,
        source="process",
        peak_bytes=102 * MIB,
        low_bytes=95 * MIB,
        predicted_bytes=100 * MIB,
        high_bytes=105 * MIB,
        began=1000.0,
        whole=state is RunState.DONE,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def state_of(*runs: RunSummary, **uses: tuple[int, int]) -> RunsState:
    found = RunsState()
    found.take(Library(Path("runs"), {}, runs), {key: DiskUse((), *sizes) for key, sizes in uses.items()})
    return found


def keys(state: RunsState) -> list[str]:
    return [one.key for one in state.shown]


def test_every_word_of_a_search_must_be_found_anywhere_in_a_run() -> None:
    state = state_of(run("a", tags=("good",)), run("b", RunState.LOST, note="For the talk"), run("c", model="x/Other"))
    for search, found in (
        ("", "abc"),
        ("good", "a"),
        ("LOST", "b"),
        ("talk 7b", "b"),
        ("talk other", ""),
        ("other", "c"),
        ("run lora", "abc"),
    ):
        state.ask(search=search)
        assert sorted(keys(state)) == list(found), search


def test_a_chip_says_what_it_would_leave_beside_the_other_filters() -> None:
    state = state_of(run("a", tags=("x",)), run("b", RunState.LOST, tags=("x", "y")), run("c", RunState.LOST))
    assert state.state_counts() == [("done", 1), ("lost", 2)]
    assert state.tag_counts() == [("x", 2), ("y", 1)]
    state.ask(tags={"x"})
    assert state.state_counts() == [("done", 1), ("lost", 1)]
    state.ask(states={"lost"})
    assert keys(state) == ["b"]
    assert state.tag_counts() == [("x", 1), ("y", 1)]
    state.ask(states=(), tags=())
    assert len(state.shown) == 3


def test_a_tag_that_no_run_has_any_more_is_asked_no_more() -> None:
    state = state_of(run("a", tags=("x",)))
    state.ask(tags={"x"})
    state.take(Library(Path("runs"), {}, (run("a"),)), {})
    assert keys(state) == ["a"]


def test_what_a_filter_hides_is_not_chosen() -> None:
    state = state_of(run("a"), run("b", RunState.LOST))
    state.choose(["a", "b"])
    state.ask(states={"lost"})
    assert [one.key for one in state.chosen] == ["b"]
    state.ask(states=())
    assert len(state.chosen) == 2


def test_every_column_orders_also_runs_of_which_nothing_is_known() -> None:
    unknown = RunSummary(Path("runs/z"), "z", RunState.NOT_STARTED)
    state = state_of(run("a", loss=float("nan")), run("b", RunState.LOST, loss=0.5), unknown)
    for column in range(len(COLUMNS)):
        for falling in (False, True):
            state.order(column, falling=falling)
            assert len(state.shown) == 3
    state.order(HEADINGS.index("Loss"), falling=False)
    assert keys(state)[0] == "b"


def test_no_state_is_told_by_colour_alone() -> None:
    assert set(SIGNS) == set(RunState)
    assert len(set(SIGNS.values())) == len(RunState)
    for state in RunState:
        assert cells(run("a", state))[HEADINGS.index("State")] == f"{SIGNS[state]} {state.value}"


def test_a_miss_is_told_only_of_a_run_whose_batches_all_came() -> None:
    assert miss_words(run("a")) == "+2.0 %"
    assert miss_words(run("a", peak_bytes=93 * MIB)) == "−7.0 %"
    assert miss_words(run("a", RunState.LOST)) == "–"


def test_a_date_beyond_any_calendar_is_no_accident() -> None:
    assert date_words(1e300) == "–"
    assert date_words(0.0) == "–"


def test_the_sentence_adds_up() -> None:
    state = state_of(run("a"), run("b", RunState.LOST), run("c"), a=(3 * MIB, MIB), b=(MIB, 0))
    assert state.sentence() == "3 runs: 2 done, 1 lost. 4.0 MiB on the disk."
    state.ask(states={"lost"})
    assert state.sentence().endswith("1 run shown.")
    assert RunsState().sentence() == "Looking for runs …"


def test_only_checkpoints_of_runs_that_made_all_steps_are_needless() -> None:
    state = state_of(run("a"), run("b", RunState.LOST), run("c"), a=(9, 5), b=(9, 7), c=(9, 0))
    assert state.needless() == ((Path("runs/a"),), 5)


def test_only_settings_that_differ_are_shown() -> None:
    plan = a_plan()
    other = plan.with_schedule(replace(plan.stage.schedule, micro_batch=16))
    choice = other.stage.choice(Slot.TRAINABLE)
    assert choice is not None
    other = other.with_choice(replace(choice, options=replace(choice.options, rank=32)))
    lines = differences([plan, other])
    assert {(line.what, line.values) for line in lines} == {
        ("Batch", (str(plan.stage.schedule.micro_batch), "16")),
        ("Trained: rank", ("8", "32")),
    }
    assert len(settings(plan)) > 20
    assert differing_words(lines, 2, 0) == "2 settings differ; all others are the same."
    assert differences([plan, plan]) == []
    assert differing_words([], 2, 0) == "No setting differs."


def test_a_plan_that_could_not_be_read_is_a_gap_and_no_difference() -> None:
    plan = a_plan()
    assert differences([plan, None, plan]) == []
    other = plan.with_schedule(replace(plan.stage.schedule, micro_batch=16))
    (line,) = differences([plan, None, other])
    assert line.values[1] == "–"
    assert "The plan of 1 of the 3 could not be read." in differing_words([line], 3, 1)


def test_said_against_took_counts_only_what_can_be_compared() -> None:
    runs = [run("a"), run("b", RunState.LOST), run("c", peak_bytes=90 * MIB)]
    assert [row.key for row in trust_rows(runs)] == ["a", "c"]
    assert said_took_words(runs) == (
        "2 runs came to the end: 1 within 5 % of what was said, the worst took 10.0 % less."
    )
    assert "No run has come to its end yet" in said_took_words([run("b", RunState.LOST)])
