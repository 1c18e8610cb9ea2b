"""What the Plan page says of a dry run and of a proof: recorded results in, words and rows out, nothing stale unmarked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.document import Document
from app.pages.plan import checks
from app.pages.plan.checks import ago, dry_run_refused, proof_refused, proved_words, what_is_checked
from app.pages.plan.dry_run import DIFFERENCE_COLUMNS, STALE, TENSOR_COLUMNS, context_bytes, dry_run_view
from app.pages.plan.edits import SCHEDULE, with_option
from app.pages.plan.page import PlanPage
from app.pages.plan.state import view
from app.shell import checking as shell
from app.shell.checking import DRY, PROVE, UNDER_WAY, Checking, Proven
from app.shell.learning import Learning
from app.shown import span_words
from app.widgets.activity_bar import ActivityBar
from planner.calibration.correction import PROOF, Correction
from planner.calibration.fingerprint import device_name, fingerprint
from planner.estimate import device_of, estimate, heaviest_batch
from planner.facts.gpus import gpus
from planner.facts.machine import MachineFacts
from planner.plan import Plan
from planner.problem import Problem
from planner.run.results import Difference, DryRun, LiveTensor, MomentBytes, Proof
from planner.units import GIB, MIB, words

MakePlan = Callable[..., Plan]

TENSORS = (
    LiveTensor("Weights", "", (49152, 576), "torch.bfloat16", 54 * MIB, ""),
    LiveTensor("Kept for backward", "aten.mm.default", (2048, 1536), "torch.bfloat16", 6 * MIB, "block 12", 90),
    LiveTensor("Logits and loss", "aten._log_softmax.default", (2048, 49152), "torch.float32", 384 * MIB, "loss"),
)
DIFFERENCES = (
    Difference("step 2+", "loss", "Weights", 256 * MIB, 256 * MIB),
    Difference("step 1", "update", "Optimizer states", 10 * MIB, 9 * MIB),
    Difference("step 1", "update", "Update workspace", 0, 12),
    Difference("step 2+", "loss", "Logits and loss", 900 * MIB, 905 * MIB, "the mask of the labels"),
)


def traced(**changed: object) -> DryRun:
    found = DryRun(
        device="cpu",
        steps=2,
        rows=4,
        seq=512,
        live_bytes=2 * GIB,
        phase="step 2+",
        moment="loss",
        operation="aten._log_softmax_backward_data.default",
        tensors=TENSORS,
        differences=DIFFERENCES,
        notes=("A note.",),
        seconds=12.3,
        memory_bytes=480 * MIB,
    )
    return replace(found, **changed)  # type: ignore[arg-type]


def measured(peak: int = 2 * GIB) -> Proof:
    return Proof(
        "A processor", "process", peak, "step 2", peak, 0, 0, peak, 300 * MIB, 400 * MIB, GIB, 4, 512, 1.2, 9.0
    )


def test_the_peak_is_told_with_its_instant_and_against_the_formulas(make_plan: MakePlan) -> None:
    asked = estimate(make_plan())
    live = int(asked.tiers[0].live_bytes)
    shown = dry_run_view(traced(live_bytes=live + 5 * MIB), asked, stale=False)
    assert shown.headline == f"{words(live + 5 * MIB)} of live tensors at the peak"
    text = " ".join(shown.lines)
    assert "step 2+, loss and head, log_softmax_backward_data" in text
    assert f"The dry run says {words(live + 5 * MIB)}, the formulas {words(live)}" in text
    assert f"{5 * MIB / (live + 5 * MIB) * 100:.2f} % less" in text
    assert "2 steps of 4 × 512" in text
    assert "A note." in text
    same = dry_run_view(traced(live_bytes=live), asked, stale=False)
    assert "the same to the byte" in " ".join(same.lines)


def test_a_cpu_has_no_allocator_to_speak_of_and_a_card_has_its_context(make_plan: MakePlan) -> None:
    on_cpu = dry_run_view(traced(), estimate(make_plan()), stale=False)
    assert "allocator" not in " ".join(on_cpu.lines)
    asked = estimate(make_plan(kind="cuda"))
    context = context_bytes(asked.tiers[0])
    assert context > 0
    found = traced(reserved_bytes=14 * GIB, expandable_bytes=13 * GIB, smallest_bytes=11 * GIB)
    text = " ".join(dry_run_view(found, asked, stale=False).lines)
    assert f"would hold {words(14 * GIB)}, {words(13 * GIB)} with expandable segments" in text
    assert f"{words(11 * GIB)} and {words(context)} of context: {words(11 * GIB + context)} free" in text
    card = min(g.usable_bytes for g in gpus() if g.kind == "cuda" and g.usable_bytes >= 11 * GIB + context)
    assert f", {words(card)}." in text
    huge = " ".join(dry_run_view(replace(found, smallest_bytes=9000 * GIB), asked, stale=False).lines)
    assert "No card of its kind" in huge


def test_every_tensor_and_every_difference_is_a_row_with_its_order(make_plan: MakePlan) -> None:
    of_moment = MomentBytes("step 1", "update", 50 * MIB)
    shown = dry_run_view(traced(moments=(of_moment,)), estimate(make_plan()), stale=False)
    together = TENSOR_COLUMNS.index("Together")
    assert [row[together].order for row in shown.tensors] == sorted((t.bytes * t.count for t in TENSORS), reverse=True)
    assert [row[0].text for row in shown.tensors] == ["Kept for backward", "Logits and loss", "Weights"]
    assert shown.tensors_heading == "Alive at the peak: 92 tensors"
    assert {row[2].text for row in shown.differences} == {"Logits and loss", "Optimizer states"}
    why = DIFFERENCE_COLUMNS.index("Why")
    assert {row[why].text for row in shown.differences} == {"the mask of the labels", "not explained"}
    small = traced(moments=(replace(of_moment, bytes=5000 * MIB),))
    told = {row[why].text for row in dry_run_view(small, estimate(make_plan()), stale=False).differences}
    assert told == {"the mask of the labels", "less than 1 % of this moment"}
    assert shown.differences_heading == "Where they differ: 2 lines; by less than 4 KiB: 1; the same: 1"
    text = shown.as_text()
    assert all(cell.text in text for row in (*shown.tensors, *shown.differences) for cell in row)


def test_what_cannot_be_traced_says_so_by_name(make_plan: MakePlan) -> None:
    shown = dry_run_view(DryRun(untraceable="LoKr reads values of its tensors."), estimate(make_plan()), stale=False)
    assert shown.headline == "No dry run: LoKr reads values of its tensors."
    assert shown.tone == "warn"
    assert shown.tensors == shown.differences == ()


def test_a_dry_run_needs_no_machine_and_a_proof_needs_all_of_it(make_plan: MakePlan) -> None:
    plan = make_plan()
    here = plan.machine
    guessed = replace(plan, model=replace(plan.model, path="/models/x"))
    on_disk = replace(guessed, data=replace(plan.data, lengths_from="counted"))
    assert dry_run_refused(estimate(plan)) == ""
    assert "weights" in proof_refused(estimate(plan), here, run_live=False)
    assert "not counted" in proof_refused(estimate(guessed), here, run_live=False)
    now = estimate(on_disk)
    assert proof_refused(now, here, run_live=False) == ""
    assert "run is going on" in proof_refused(now, here, run_live=True)
    assert here.name in proof_refused(now, replace(here, name="another"), run_live=False)
    assert proof_refused(now, None, run_live=False)
    unknown = replace(plan, model=replace(plan.model, family="", unsupported_because="it is a poem."))
    assert "it is a poem." in dry_run_refused(estimate(unknown))


def test_what_is_free_now_is_not_what_was_checked_and_the_batch_is(make_plan: MakePlan) -> None:
    plan = make_plan()
    fuller = replace(plan, machine=make_plan(free_gib=3.0).machine, name="another name")
    assert what_is_checked(fuller) == what_is_checked(plan)
    larger = with_option(plan, SCHEDULE, "micro_batch", plan.stage.schedule.micro_batch + 1)
    assert what_is_checked(larger) != what_is_checked(plan)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "just now"), (59, "just now"), (60, "1 min ago"), (3599, "59 min ago"), (7300, "2 h ago")]
)
def test_a_proof_says_how_old_it_is(seconds: float, said: str) -> None:
    assert ago(seconds) == said


def proved(plan: Plan, peak: int = 3 * GIB) -> MachineFacts:
    """This computer after the plan was proved on it."""
    device = device_of(plan)
    assert device is not None
    word = fingerprint(plan, (heaviest_batch(plan),))
    one = Correction(PROOF, device_name(device), peak, peak, peak, ("prove-a", "prove-b"), word)
    return replace(plan.machine, corrections=(one,))


def test_a_proof_is_one_line_with_its_age_and_its_batch(make_plan: MakePlan) -> None:
    plan = make_plan()
    batch = heaviest_batch(plan)
    now = estimate(replace(plan, machine=proved(plan)))
    assert proved_words(estimate(plan), {}, 0.0) == ""
    line = f"on this computer: {checks.PROOF_STEPS} steps of {batch.rows} × {batch.seq} took 3.00 GiB."
    assert proved_words(now, {"prove-a": 400.0, "prove-b": 1000.0}, 1190.0) == f"Proved 3 min ago {line}"
    assert proved_words(now, {}, 1190.0) == f"Proved {line}"


def test_what_a_proof_measured_is_all_that_is_open_and_another_batch_is_another_plan(make_plan: MakePlan) -> None:
    plan = make_plan()
    before, now = estimate(plan).tiers[0], estimate(replace(plan, machine=proved(plan))).tiers[0]
    assert now.high_bytes - now.low_bytes < before.high_bytes - before.low_bytes
    assert now.low_bytes <= 3 * GIB <= now.high_bytes
    shown = view(estimate(replace(plan, machine=proved(plan))))
    assert shown.expected.endswith(f"({span_words(now.low_bytes, now.high_bytes)})")
    others = shown.bars[0].others_bytes
    assert (shown.bars[0].low_bytes, shown.bars[0].high_bytes) == (others + now.low_bytes, others + now.high_bytes)
    larger = with_option(replace(plan, machine=proved(plan)), SCHEDULE, "micro_batch", 7)
    assert proved_words(estimate(larger), {}, 0.0) == ""


class Shown:
    """A page with a plan and what checks it, without any worker."""

    def __init__(self, qtbot: QtBot, plan: Plan) -> None:
        self.document = Document()
        self.page = PlanPage(self.document)
        qtbot.addWidget(self.page)
        self.bar = ActivityBar("Check")
        qtbot.addWidget(self.bar)
        self.learning = Learning(self.page)
        self.checking = Checking(self.document, self.page, self.bar, self.learning, self.page)
        self.checking.here = plan.machine
        self.document.open_plan(plan, plan.stage)
        self.page.resize(1100, 900)
        self.page.show()

    def take(self, result: DryRun | Proven) -> None:
        asked = self.checking._asked = self.document.estimate
        assert asked is not None
        self.checking._came(result if isinstance(result, Proven) else shell.traced(result, asked))

    def more_rows(self) -> None:
        plan = self.document.plan
        assert plan is not None
        self.document.change(with_option(plan, SCHEDULE, "micro_batch", plan.stage.schedule.micro_batch + 1))


@pytest.fixture
def shown(qtbot: QtBot, make_plan: MakePlan) -> Shown:
    return Shown(qtbot, make_plan())


def test_editing_the_plan_marks_the_result_as_of_an_earlier_one_and_undo_unmarks_it(shown: Shown) -> None:
    card = shown.page.budget.dry_run
    assert card.isHidden()
    shown.take(traced())
    assert not card.isHidden()
    assert STALE not in card.headline.text()
    card.tensors.sort_by(0)
    order = card.tensors.texts()
    shown.more_rows()
    assert STALE in card.headline.text()
    assert card.tensors.texts() == order  # a mark is no reason to lose one's place
    shown.document.stack.undo()
    assert STALE not in card.headline.text()
    card.close_button.click()
    assert card.isHidden()


def test_the_proofs_line_stands_while_the_plan_is_the_one_that_was_proved(qtbot: QtBot, shown: Shown) -> None:
    line = shown.page.budget.proved
    plan = shown.document.plan
    assert plan is not None
    with qtbot.waitSignal(shown.learning.learned):
        shown.take(Proven(measured()))
    assert line.isHidden()
    shown.document.refresh_machine(proved(plan))
    assert line.text().startswith("Proved on this computer: 2 steps of")
    assert not line.isHidden()
    shown.more_rows()
    assert line.isHidden()
    shown.document.stack.undo()
    assert not line.isHidden()
    assert shown.document.stack.count() == 1


def test_a_proof_that_teaches_nothing_says_why(qtbot: QtBot, shown: Shown) -> None:
    why = Problem("calibration.not_comparable", "It teaches nothing.", "Count the rows.")
    with qtbot.waitSignal(shown.checking.problem) as heard:
        shown.take(Proven(measured(), why))
    assert heard.args == [why]


def test_one_check_at_a_time_and_buttons_say_why_not(
    qtbot: QtBot, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "missing_train_extra", lambda: None)
    begun: list[object] = []
    monkeypatch.setattr(shown.checking.job, "start", begun.append)
    assert shown.page.dry_run.isEnabled()
    assert not shown.page.prove.isEnabled()  # known by its shape only
    assert "weights" in shown.page.prove.toolTip()
    shown.checking.dry_run()
    assert shown.checking.refused(DRY) == shown.checking.refused(PROVE) == UNDER_WAY
    assert not shown.page.dry_run.isEnabled()
    qtbot.waitUntil(lambda: len(begun) == 1)
    assert "Dry run of SmolLM2-135M: starting" in shown.bar.text.text()
    shown.more_rows()
    assert f"Dry run of SmolLM2-135M {STALE}: starting" in shown.bar.text.text()
    shown.bar.cancel.click()
    assert shown.page.dry_run.isEnabled()
    assert shown.bar.isHidden()


def test_a_table_sorts_by_any_column_from_its_menu_and_copies_with_tabs(shown: Shown) -> None:
    shown.take(traced())
    table = shown.page.budget.dry_run.tensors
    by_name = next(a for a in table.actions() if a.text() == "Sort by what")
    by_name.trigger()
    assert [row[0] for row in table.texts()] == ["Weights", "Logits and loss", "Kept for backward"]
    by_name.trigger()
    assert [row[0] for row in table.texts()] == ["Kept for backward", "Logits and loss", "Weights"]
    table.copy()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t") == list(TENSOR_COLUMNS)
    assert len(lines) == 1 + len(TENSORS)
    table.setCurrentIndex(table.model().index(1, 0))
    table.copy()
    assert QGuiApplication.clipboard().text().splitlines()[1].startswith("Logits and loss")
    shown.page.budget.dry_run.copy.click()
    assert "Where they differ" in QGuiApplication.clipboard().text()


def test_a_folded_card_keeps_its_headline(shown: Shown) -> None:
    shown.take(traced())
    card = shown.page.budget.dry_run
    card.fold.click()
    assert card.inside.isHidden()
    assert not card.headline.isHidden()
    card.fold.click()
    assert not card.inside.isHidden()
