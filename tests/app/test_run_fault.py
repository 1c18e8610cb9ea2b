"""What ended a run stands on a card with its figures and one press to go on; evaluations and samples over time are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.pages.run.fault import fault_of
from app.pages.run.page import RunPage
from app.pages.run.state import RunRecord
from planner.problem import Problem
from planner.run.events import Checkpoint, Evaluation, Event, Failed, Memory, Note, Phase, Sample, Started, Step
from planner.run.journal_look import Skipped
from planner.run.lock import State
from planner.run.shortage import Shortage, to_details
from planner.units import GIB, MIB

OUT = Problem("memory.out", "Memory ran out.", "Take a smaller batch.")
SHORT = Shortage(
    phase="train", moment="backward", step=7, line="logits", line_is="asked", asked_bytes=3 * GIB, free_bytes=GIB,
    held_bytes=6 * GIB, said_bytes=5 * GIB, limit_bytes=8 * GIB, limit="the container's limit",
    holders=(("browser", 2 * GIB), ("desktop", 512 * MIB)),
)  # fmt: skip


def record_of(*events: Event | Skipped, state: State = State.RUNNING) -> RunRecord:
    record = RunRecord(state=state)
    for event in (Started(0.0, 1, -1, 10, {}, "cpu"), Phase(0.0, "train"), *events):
        record.feed(event)
    return record


def step(n: int, loss: float = 1.0) -> Step:
    return Step(float(n), n, 10, loss, loss.hex(), 1e-4, 1.0, n * 200, 100.0, 64)


def held_out(n: int, loss: float) -> Evaluation:
    return Evaluation(float(n), n, loss, loss.hex(), 100, 0.1)


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path) -> RunPage:
    found = RunPage()
    qtbot.addWidget(found)
    found.resize(1100, 800)
    found.show_run(tmp_path)
    found.show()
    return found


def test_memory_that_ran_out_is_told_with_phase_line_asked_free_and_holders(page: RunPage) -> None:
    record = record_of(
        *(step(n) for n in range(1, 8)),
        Checkpoint(7.1, 5, "/x", 1, 0.1),
        Failed(8.0, "train", 7, OUT, to_details(SHORT)),
        state=State.FAILED,
    )
    page.show_record(record)
    card = page.fault
    assert card.isVisible()
    assert card.heading.text() == "Out of memory"
    told = dict(card.facts.rows)
    assert told["While"] == "train · backward"
    assert told["Asked for"] == "logits"
    assert (told["Asked"], told["Free then"], told["The run held"]) == ("3.00 GiB", "1.00 GiB", "6.00 GiB")
    assert told["RAM in all"] == "8.00 GiB, the container's limit"
    assert told["Saved"] == "step 5; 2 steps after it are made again"
    assert card.holders.rows == (("browser", "2.00 GiB"), ("desktop", "512 MiB"))
    assert card.again.text() == "Resume from step 5"


def test_one_press_asks_for_the_retry_that_was_offered(qtbot: QtBot, page: RunPage) -> None:
    record = record_of(step(1), Failed(8.0, "train", 1, OUT), state=State.FAILED)
    page.show_record(record)
    assert not page.fault.retry.isVisible()
    page.offer_retry("Batch 2 instead of 4", "It goes on from step 5.")
    assert page.fault.retry.accessibleName() == "Retry with batch 2 instead of 4"
    assert page.fault.detail.text() == "It goes on from step 5."
    page.offer_retry("Layer inputs kept instead of everything, and a batch of 1 instead of 4", "It goes on.")
    assert page.fault.retry.text() == "&Retry with the smallest change"
    assert page.fault.detail.text().startswith("Layer inputs kept instead of everything")
    with qtbot.waitSignal(page.retry_wanted):
        page.fault.retry.click()
    with qtbot.waitSignal(page.resume_wanted):
        page.fault.again.click()
    record.feed(Started(9.0, 1, -1, 10, {}, "cpu"))
    record.state = State.RUNNING
    page.show_record(record)
    assert not page.fault.isVisible()


def test_a_killed_worker_and_a_folder_that_is_gone_have_their_own_words(page: RunPage) -> None:
    record = record_of(step(1), state=State.LOST)
    record.died = Problem("worker.died", "The worker ended: the system ended it (SIGKILL).", "Resume.")
    fault = fault_of(record)
    assert fault is not None
    assert (fault.heading, fault.again) == ("The system ended the worker", "Start it again")
    record.died, record.gone = Problem("run.folder_gone", "Gone.", "Put it back."), True
    fault = fault_of(record)
    assert fault is not None
    assert (fault.heading, fault.again) == ("The run's folder is gone", "")


def test_the_details_of_another_version_are_read_as_far_as_they_go() -> None:
    details = {"phase": 7, "asked_bytes": "much", "holders": [["a", "b"], ["c", 5]], "limit_bytes": -1, "new": {}}
    record = record_of(Failed(8.0, "train", 1, OUT, details), state=State.FAILED)
    fault = fault_of(record)
    assert fault is not None
    assert dict(fault.facts)["While"] == "train"
    assert fault.holders == (("c", "5 B"),)


def test_evaluations_are_rings_with_their_lowest_and_stand_in_the_table(page: RunPage) -> None:
    record = record_of(step(1, 3.0), held_out(1, 3.2), step(2, 2.0), held_out(2, 1.5), step(3, 1.9), held_out(3, 2.6))
    page.show_record(record)
    page.loss.draw_whole()
    assert list(page.loss._held_out.get_xdata()) == [1, 2, 3]
    assert list(page.loss._held_out.get_ydata()) == [3.2, 1.5, 2.6]
    assert (list(page.loss._best.get_xdata()), list(page.loss._best.get_ydata())) == ([2], [1.5])
    low, high = page.loss.axes.get_ylim()
    assert low < 1.5
    assert high > 3.2
    assert "held out 2.600 (best 1.500 at step 2)" in page.loss_card.sentence.text()
    assert page._loss_rows() == [("1", "3.0000", "3.2000"), ("2", "2.0000", "1.5000"), ("3", "1.9000", "2.6000")]
    record.feed(Started(9.0, 1, 1, 10, {}, "cpu"))
    assert [e.step for e in record.evaluations] == [1], "evaluations after the checkpoint are made again"


def test_any_two_answers_stand_beside_each_other_and_the_newest_is_followed(page: RunPage) -> None:
    answers = [
        Sample(float(n), when, n, "q?", f"answer {n}") for n, when in ((0, "before"), (3, "during"), (6, "during"))
    ]
    record = record_of(*answers)
    page.show_record(record)
    card = page.answers
    assert (card.before.text.toPlainText(), card.now.text.toPlainText()) == ("answer 0", "answer 6")
    card.before.which.setCurrentIndex(1)
    card.before.chosen.emit()
    record.feed(Sample(9.0, "after", 9, "q?", "answer 9"))
    page.show_record(record)
    assert (card.before.text.toPlainText(), card.now.text.toPlainText()) == ("answer 3", "answer 9")
    card.now.which.setCurrentIndex(2)
    card.now.chosen.emit()
    record.feed(Sample(10.0, "asked", 9, "another?", "answer 10"))
    page.show_record(record)
    assert card.now.text.toPlainText() == "answer 6"
    card.button.click()
    assert [card.table.item(n, 2).text() for n in range(card.table.rowCount())] == [  # type: ignore[union-attr]
        "answer 0", "answer 3", "answer 6", "answer 9", "answer 10",
    ]  # fmt: skip


def test_what_lies_in_swap_stands_on_what_lies_in_memory(page: RunPage) -> None:
    record = record_of(
        Memory(1.0, "process", "host", 100 * MIB, 100 * MIB),
        Memory(1.0, "swapped", "host", 40 * MIB, 40 * MIB),
        Memory(2.0, "process", "host", 80 * MIB, 100 * MIB),
        Memory(2.0, "swapped", "host", 60 * MIB, 60 * MIB),
    )
    page.show_record(record)
    page.memory.draw_whole()
    vertices = page.memory._swapped.get_paths()[0].vertices
    assert vertices[:, 1].max() == 140 * MIB
    assert vertices[:, 1].min() == 80 * MIB
    assert "60 MiB of it on disk" in page.memory_card.sentence.text()


def test_a_warning_of_this_session_is_said_above_the_figures(page: RunPage) -> None:
    record = record_of(Note(1.0, "warning", "Room on the disk for one more checkpoint."))
    page.show_record(record)
    assert page.remark.text() == "Room on the disk for one more checkpoint."
    record.feed(Started(2.0, 1, 0, 10, {}, "cpu"))
    page.show_record(record)
    assert not page.remark.isVisible()


def test_a_part_of_the_steps_is_said_to_be_a_part(page: RunPage) -> None:
    page.show_record(record_of(step(1), Skipped(5), step(7)))
    assert "drawn from a part of its steps" in page.loss_card.sentence.text()
