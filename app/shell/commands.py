"""What each command of menus and shortcuts does in a window, by the name that `app.shell.actions` has for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.shell import asking, notices
from app.shell.pages import EXPLORE, PLAN, RUN, RUNS, TRUST, WATCH
from planner.run.home import home

if TYPE_CHECKING:
    from app.shell.window import MainWindow


def commands(window: MainWindow) -> dict[str, Callable[[], None]]:
    return {
        "new": window.files.new,
        "open": window.files.ask_open,
        "save": window.files.save,
        "save_as": window.files.ask_save,
        "export": window.files.ask_export,
        "share": window.sharing.ask,
        "paste": window.sharing.paste,
        "quit": lambda: _done(window.close()),
        "start": window.start,
        "queue": lambda: window.queueing.add(),
        "overnight": lambda: window.queueing.overnight(),
        "dry_run": window.checking.dry_run,
        "prove": window.checking.prove,
        "pause": lambda: window.runner.send("resume" if window.runner.record.paused else "pause"),
        "checkpoint": lambda: window.runner.send("checkpoint"),
        "sample": lambda: window.runner.send("sample"),
        "stop": window.ask_stop,
        "why": lambda: window.why.ask(window.here, window.runner.record),
        "watch": lambda: window.watching.ask(window),
        "rows": lambda: _rows(window),
        "page_plan": lambda: window.show_page(PLAN),
        "page_explore": lambda: window.show_page(EXPLORE),
        "page_run": lambda: window.show_page(RUN),
        "page_runs": lambda: window.show_page(RUNS),
        "page_trust": lambda: window.show_page(TRUST),
        "page_watch": lambda: window.show_page(WATCH),
        "look_system": lambda: window.choose_look("system"),
        "look_light": lambda: window.choose_look("light"),
        "look_dark": lambda: window.choose_look("dark"),
        "notices": lambda: notices.keep_wanted(window.menus.notices.isChecked()),
        "reset_layout": window.reset_layout,
        "shortcuts": window.show_shortcuts,
        "log_folder": lambda: window.open_folder(home()),
        "about": lambda: asking.about(window),
    }


def _rows(window: MainWindow) -> None:
    """Look at the rows, or shut the drawer."""
    on_plan = window.pages.currentIndex() == PLAN
    window.show_page(PLAN)
    window.plan_page.open_data(not (on_plan and window.plan_page.drawer.isVisible()))


def _done(_result: object) -> None:
    """For a command whose answer nobody needs."""
