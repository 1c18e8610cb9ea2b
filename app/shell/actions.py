"""The menus: every command of the window as an action with its words, shortcut and place. It decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence, QUndoStack
from PySide6.QtWidgets import QMainWindow, QMenu

from app import recent, recovery

Keys = QKeySequence | QKeySequence.StandardKey | str


class Menus:
    """Built once; `all` is what the shortcuts page lists. Recent files are looked up when their menu opens."""

    def __init__(self, window: QMainWindow, do: dict[str, Callable[[], None]], stack: QUndoStack) -> None:
        self._window = window
        self.all: list[tuple[str, list[QAction]]] = []
        file = self._menu("&File")
        self._add(file, "&New plan", QKeySequence.StandardKey.New, do["new"])
        self.situations: QMenu = file.addMenu("New plan for a s&ituation")
        self.situations.setToolTipsVisible(True)
        self._add(file, "&Open…", QKeySequence.StandardKey.Open, do["open"])
        self.recent: QMenu = file.addMenu("Open &recent")
        self._add(file, "&Save", QKeySequence.StandardKey.Save, do["save"])
        self._add(file, "Save &as…", QKeySequence("Ctrl+Shift+S"), do["save_as"])
        file.addSeparator()
        self.export = self._add(file, "&Export script…", "Ctrl+E", do["export"])
        self._add(file, "S&hare…", "Ctrl+Shift+C", do["share"])
        file.addSeparator()
        self._add(file, "&Quit", QKeySequence.StandardKey.Quit, do["quit"])

        edit = self._menu("&Edit")
        for action, keys in (
            (stack.createUndoAction(window, "Undo"), QKeySequence.StandardKey.Undo),
            (stack.createRedoAction(window, "Redo"), QKeySequence.StandardKey.Redo),
        ):
            action.setShortcuts(keys)
            edit.addAction(action)
            self.all[-1][1].append(action)
        self._add(edit, "&Open pasted plan", QKeySequence.StandardKey.Paste, do["paste"])

        run = self._menu("&Run")
        self.start = self._add(run, "&Start", "Ctrl+Return", do["start"])
        self.start.setShortcuts([QKeySequence("Ctrl+Return"), QKeySequence("Ctrl+Enter")])
        self._add(run, "Add to the &queue", "Ctrl+J", do["queue"])
        self._add(run, "Leave it to run over&night", "Ctrl+Shift+J", do["overnight"])
        self.dry_run = self._add(run, "&Dry run", "Ctrl+D", do["dry_run"])
        self.prove = self._add(run, "Pro&ve it", "Ctrl+Shift+Return", do["prove"])
        run.addSeparator()
        self.pause = self._add(run, "&Pause or resume", "Ctrl+P", do["pause"])
        self.checkpoint = self._add(run, "Save a &checkpoint", "Ctrl+K", do["checkpoint"])
        self.sample = self._add(run, "Take a sa&mple", "Ctrl+T", do["sample"])
        self.stop = self._add(run, "S&top…", "Ctrl+Shift+T", do["stop"])
        run.addSeparator()
        self._add(run, "Why did I run &out?…", "Ctrl+Shift+O", do["why"])
        self._add(run, "&Watch a process…", "Ctrl+Shift+W", do["watch"])

        view = self._menu("&View")
        self._add(view, "Rows o&f the data", "Ctrl+Shift+D", do["rows"])
        view.addSeparator()
        self._add(view, "&Plan page", "Ctrl+1", do["page_plan"])
        self._add(view, "&Explore page", "Ctrl+2", do["page_explore"])
        self._add(view, "&Run page", "Ctrl+3", do["page_run"])
        self._add(view, "Ru&ns page", "Ctrl+4", do["page_runs"])
        self._add(view, "&Trust page", "Ctrl+5", do["page_trust"])
        self._add(view, "&Watch page", "Ctrl+6", do["page_watch"])
        view.addSeparator()
        self.looks = QActionGroup(window)
        for wish, text in (("system", "As the s&ystem"), ("light", "&Light"), ("dark", "&Dark")):
            action = self._add(view, text, "", do[f"look_{wish}"])
            action.setCheckable(True)
            action.setData(wish)
            self.looks.addAction(action)
        view.addSeparator()
        self.notices = self._add(view, "Desktop n&otices", "", do["notices"])
        self.notices.setCheckable(True)
        self.notices.setToolTip("When a run ends, fails or waits while you are elsewhere")
        self._add(view, "Re&set layout", "", do["reset_layout"])

        help_menu = self._menu("&Help")
        shortcuts = self._add(help_menu, "&Keyboard shortcuts", QKeySequence.StandardKey.HelpContents, do["shortcuts"])
        shortcuts.setShortcuts([QKeySequence("F1"), QKeySequence("Ctrl+/")])
        self._add(help_menu, "&Log folder", "", do["log_folder"])
        self._add(help_menu, "&About", "", do["about"])

    def _menu(self, name: str) -> QMenu:
        menu = self._window.menuBar().addMenu(name)
        menu.setToolTipsVisible(True)
        self.all.append((name.replace("&", ""), []))
        return menu

    def _add(self, menu: QMenu, text: str, keys: Keys, do: Callable[[], None]) -> QAction:
        action = QAction(text, self._window)
        if keys:
            action.setShortcut(keys)
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.triggered.connect(lambda _on=False: do())
        menu.addAction(action)
        self.all[-1][1].append(action)
        return action

    def fill_recent(self, open_file: Callable[[Path], None], open_left: Callable[[Path], None]) -> None:
        """Files opened or saved lately, under them what other windows left unsaved when they were ended."""
        self.recent.clear()
        for path in recent.recent():
            action = self.recent.addAction(f"{path.name}  ({path.parent})")
            action.triggered.connect(lambda _on=False, p=path: open_file(p))
        for copy in recovery.waiting():
            left = time.strftime("%d %b, %H:%M", time.localtime(copy.stat().st_mtime))
            action = self.recent.addAction(f"Unsaved plan of {left}")
            action.triggered.connect(lambda _on=False, c=copy: open_left(c))
        self.recent.setEnabled(not self.recent.isEmpty())

    def fill_situations(self, presets: Iterable[tuple[str, str, str]], open_preset: Callable[[str], None]) -> None:
        """presets: name, title and what it says of each."""
        self.situations.clear()
        for name, title, says in presets:
            action = self.situations.addAction(title)
            action.setToolTip(says)
            action.triggered.connect(lambda _on=False, n=name: open_preset(n))

    def show_look(self, wish: str) -> None:
        for action in self.looks.actions():
            action.setChecked(action.data() == wish)

    def show_may(self, *, dry_run: bool, prove: bool) -> None:
        self.dry_run.setEnabled(dry_run)
        self.prove.setEnabled(prove)

    def show_run(self, *, live: bool, paused: bool) -> None:
        for action in (self.pause, self.checkpoint, self.sample, self.stop):
            action.setEnabled(live)
        self.pause.setText("&Resume" if paused else "&Pause")
