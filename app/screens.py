"""Pictures of the window, for the documents: its pages, light and dark, at 100 and 200 %. Run: python -m app.screens DIR

Nothing in them is made up: proof, dry run and run are real ones, made here by the real worker, the run photographed in
its middle and at its end. Each scale needs a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from app import example
from app.job import Wish, carried_out
from app.pages.explore.chart_card import PINS, TABLE
from app.pages.explore.page import ExplorePage
from app.runner import make_run
from app.screens_of_runs import evaluated_run, run_out_of_memory
from app.shell.checking import DRY, PROVE, order, traced
from planner.estimate import estimate
from planner.facts.gpus import other_machine
from planner.plan import Plan
from planner.presets import default_plan, load_preset, sample_data
from planner.probe import machine as probe
from planner.problem import ProblemError
from planner.run import journal, lock
from planner.run.events import Finished, Step
from planner.run.home import HOME_VARIABLE, home, models_dir
from planner.run.results import DryRun, load, save
from planner.units import GIB

SIZE = (1400, 880)
SCALES = (1, 2)
SCHEMES = ("light", "dark")
MIDDLE = 0.55  # of the steps
WATCHED = 40  # readings
TRACED = "traced.json"
EXPLORED = ("explore", "explore-what-if", "explore-nothing-fits", "explore-table", "explore-compare")
CROWDED_MODEL, CROWDED_CARD = "meta-llama/Llama-3.1-8B", "NVIDIA GeForce RTX 4090"

PASTED = """$ trl sft --model_name_or_path meta-llama/Llama-3.1-8B --use_peft --dtype bfloat16 \\
    --per_device_train_batch_size 4 --max_length 2048 --optim paged_adamw_8bit
Traceback (most recent call last):
  File "transformers/trainer.py", line 3700, in training_step
    loss = self.compute_loss(model, inputs)
  File "transformers/loss/loss_utils.py", line 36, in ForCausalLMLoss
    logits = logits.float()
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 3.91 GiB. GPU 0 has a total capacity of 23.64 GiB of which \
810.81 MiB is free. Including non-PyTorch memory, this process has 22.84 GiB memory in use. Of the allocated memory \
20.43 GiB is allocated by PyTorch, and 1.97 GiB is reserved by PyTorch but unallocated."""
"""As people paste it: command, traceback and error. An example, in torch's words."""


def crowded_plan() -> Plan:
    """Too much for the card: what the page says then."""
    from planner.facts.model import catalogue

    model = catalogue.find(CROWDED_MODEL)
    plan = default_plan(model, sample_data(model), other_machine(CROWDED_CARD), name="Too much")
    schedule = replace(plan.stage.schedule, micro_batch=16, max_length=2048)
    return plan.with_schedule(schedule)


def asked_plan() -> Plan:
    """What is explored in the pictures: an eight-billion model on a card that not every combination fits."""
    plan = crowded_plan()
    return replace(plan.with_schedule(replace(plan.stage.schedule, micro_batch=4, max_length=1024)), name="Asked")


def arrange(shot: str, page: ExplorePage, wait: Callable[[Callable[[], bool]], None]) -> None:
    """The Explore page as one picture of it has it."""

    def settled() -> bool:
        chart = page.chart.scatter
        return page.meaning.told is not None and not page.asking.under_way and (chart.ready or not chart.isVisible())

    wait(settled)
    assert page.found is not None
    line = {"explore-what-if": 16 * GIB, "explore-nothing-fits": 5 * GIB}.get(shot)
    if line:
        page.chart.scatter.set_line(line)
        page.chart.scatter.line_dropped.emit(line)
    if shot == "explore-compare":
        frontier = page.state.frontier
        for i, row in enumerate((frontier[0], frontier[-1])):
            page.meaning.pick(int(row))
            page.meaning.pin(i)
        page.show_view(PINS)
    elif shot == "explore-table":
        page.show_view(TABLE)
    elif shot == "explore":
        middle = page.state.frontier[len(page.state.frontier) // 2]
        page.chart.scatter.hovered.emit(int(middle))
    wait(settled)


def describing_machine(window: Any) -> Any:
    """The dialog behind *Other machine…*, half filled in."""
    from app.other_machines import OtherMachine
    from app.pages.plan.picks import Pick

    window.plan_page.form.what.machine_picked.emit(Pick("other"))
    dialog = window.plan_page.describing
    assert dialog is not None
    dialog.show_machine(OtherMachine(CROWDED_CARD, 2, 128.0, 1000.0))
    return dialog


def photograph(shot: str, scheme: str, target: Path) -> None:
    """One picture, in this process; the scale is set in its environment."""
    from PySide6.QtCore import QEventLoop, QTimer
    from PySide6.QtWidgets import QWidget

    from app.collecting import Collecting
    from app.screens_of_list import SHOTS as RUNS_SHOTS
    from app.screens_of_list import arrange as arrange_runs
    from app.screens_of_rows import SHOTS as ROWS_SHOTS
    from app.screens_of_rows import arrange as arrange_rows
    from app.shell.application import make_application
    from app.shell.pages import EXPLORE, PLAN, RUN, TRUST
    from app.shell.window import MainWindow
    from app.theme import theme

    application = make_application([sys.argv[0]])
    Collecting(application)  # as in the program: no thread takes widgets apart
    theme().choose(scheme)
    window = MainWindow()
    window.resize(*SIZE)
    window.show()
    loop = QEventLoop()

    def wait(until: Callable[[], bool], longest_s: float = 60) -> None:
        deadline = time.monotonic() + longest_s
        while not until() and time.monotonic() < deadline:
            QTimer.singleShot(50, loop.quit)
            loop.exec()

    def settle(seconds: float) -> None:
        QTimer.singleShot(round(seconds * 1000), loop.quit)
        loop.exec()

    wait(lambda: window.start_plan is not None)
    assert window.start_plan is not None
    if shot in ("plan-does-not-fit", "plan-dry-run"):
        window.document.open_plan(crowded_plan(), window.start_plan.stage)
    if shot == "plan-proved":
        wait(lambda: window.plan_page.budget.proved.isVisible())
    if shot in RUNS_SHOTS:
        arrange_runs(shot, window, wait)
    elif shot in ROWS_SHOTS:
        arrange_rows(shot, window, wait)
    elif shot.startswith("run"):
        wait(lambda: window.runner.record.spec is not None)
        window.show_page(RUN)
        wait(lambda: window.run_page.memory.draws["whole"] > 0)
    elif shot.startswith("trust"):
        window.show_page(TRUST)
        page, state = window.trust_page, window.trust_page.state
        wait(lambda: bool(state.own and state.published and page.taught.corrections))
        page.pick(next(row.key for row in state.shown if len(row.readings) > 3))
        page.misses.setChecked(shot == "trust-misses")
        page.twin.setChecked(shot == "trust-table")
    elif shot.startswith("explore"):
        window.document.open_plan(asked_plan(), window.start_plan.stage)
        window.show_page(EXPLORE)
        arrange(shot, window.explore.page, wait)
    elif shot == "watch":
        wait(lambda: window.runner.run_dir is not None)
        assert window.runner.run_dir is not None
        window.watching.watcher.attach(lock.holder_pid(window.runner.run_dir))
        wait(lambda: window.watching.watcher.readings > WATCHED and window.watch_page.plot.draws["whole"] > 0)
    else:
        window.show_page(PLAN)
    window.resize(*SIZE)
    settle(1.5)
    if shot == "plan-dry-run":
        asked = window.document.estimate
        assert asked is not None
        window.checking.show_dry_run(traced(load(DryRun, home() / TRACED), asked))
        settle(0.5)
    shown: QWidget = window
    if shot == "why":
        shown = window.why
        window.why.ask(window.here, window.runner.record)
        window.why.page.field.setPlainText(PASTED)
        wait(lambda: window.why.page.open.isEnabled())
        settle(0.5)
    if shot == "other-machine":
        shown = describing_machine(window)
        settle(0.5)
    target.parent.mkdir(parents=True, exist_ok=True)
    shown.grab().save(str(target))
    window._closing_decided = True
    window.close()
    application.processEvents()


def all_of(shot: str, folder: Path) -> None:
    """One shot in both schemes and at both scales, each in a fresh process."""
    for scheme in SCHEMES:
        for scale in SCALES:
            target = folder / f"{shot}-{scheme}{'' if scale == 1 else f'-{scale}00'}.png"
            env = {**os.environ, "QT_SCALE_FACTOR": str(scale)}
            env.setdefault("QT_QPA_PLATFORM", "offscreen")
            command = [sys.executable, "-m", "app.screens", "--shot", shot, scheme, str(target)]
            subprocess.run(command, env=env, check=True)  # noqa: S603 - this module again
            print(target, flush=True)


def check(kind: str, plan: Plan) -> Any:
    """A dry run or a proof of this plan, here and now."""
    return carried_out(order(kind, estimate(plan)), lambda _told: None, Wish())


def wait_for(run_dir: Path, share: float) -> None:
    """Until this share of the steps is done, or the run is over."""
    while lock.is_held(run_dir):
        done = journal.steps(journal.read_all(run_dir).events)
        if done and done[-1].step >= done[-1].total_steps * share:
            return
        time.sleep(0.5)


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--shot"]:
        photograph(arguments[1], arguments[2], Path(arguments[3]))
        return 0
    from app.screens_of_rows import SHOTS as ROWS_SHOTS

    folder = Path(arguments[0] if arguments else "docs/screens").absolute()
    models = models_dir()
    try:
        example.get_example(lambda what, _done, _of: None)
        with tempfile.TemporaryDirectory() as own:
            (Path(own) / "models").symlink_to(models.absolute(), target_is_directory=True)
            os.environ[HOME_VARIABLE] = own
            for shot in ("plan", "plan-does-not-fit", "other-machine", "why", *EXPLORED, *ROWS_SHOTS):
                all_of(shot, folder)
            save(check(DRY, crowded_plan()).result, home() / TRACED)
            all_of("plan-dry-run", folder)
            check(PROVE, load_preset("first-run", probe()))
            all_of("plan-proved", folder)
            run_dir = make_run(estimate(load_preset("first-run", probe())))
            wait_for(run_dir, MIDDLE)
            all_of("run", folder)
            all_of("watch", folder)
            wait_for(run_dir, 2.0)
            for shot in ("run-finished", "trust", "trust-misses", "trust-table"):
                all_of(shot, folder)
            evaluated_run()
            all_of("run-evaluated", folder)
            if run_out_of_memory():
                all_of("run-out-of-memory", folder)
            for shot in ("runs", "runs-one", "runs-compare"):
                all_of(shot, folder)
            events = journal.read_all(run_dir).events
            steps = sum(isinstance(e, Step) for e in events)
            said = [e.sentence for e in events if isinstance(e, Finished)]
            print(f"a real run of {steps} steps: {' '.join(said)}")
    except ProblemError as error:
        print(error.problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
