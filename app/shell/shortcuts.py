"""The page that F1 opens: every shortcut of the menus, and the keys that charts and fields know."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.theme import em

ELSEWHERE = (
    ("Arrow keys on the bar", "Go from part to part; the ledger follows"),
    ("Arrow keys on the moments", "Go from moment to moment; the ledger shows what is alive then"),
    ("Arrow keys on the plans explored", "Left and right along those that no other beats, up and down to the next"),
    ("Space, Return on a plan explored", "Look at it; make it the plan. A and B pin it, to compare two"),
    ("Arrow keys on the load line", "More or less memory: what if? Home goes back to what is free"),
    ("Arrow keys on the cut-off line", "Cut rows shorter or longer; Shift ten times as far, Esc takes it back"),
    ("Menu key on a row of the data", "What the column is: a part of the prompt, the answer, …"),
    ("Ctrl+Space on a filter", "This answer only"),
    ("/, Ctrl+F on the Runs page", "Search; Esc empties the search, Down goes to the list"),
    ("Return, F2, Del on a run", "Open it; name it; delete it. Ctrl+Z takes a deletion back"),
    ("Alt+Up, Alt+Down on the queue", "Sooner or later; H holds a run, Del takes it out"),
    ("Down on Model or Machine", "Open the list; type to search"),
    ("Down on a choice", "Next answer; Alt+Down opens the menu with differences in bytes"),
    ("Esc", "Closes a menu or a sheet. It never stops a run"),
    ("Tab, Shift+Tab", "Next and previous control"),
)


class ShortcutsPage(QDialog):
    """Not modal: it may stay open beside the window."""

    def __init__(self, menus: list[tuple[str, list[QAction]]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAccessibleName("Keyboard shortcuts")
        self.setModal(False)
        layout = QVBoxLayout(self)
        tree = QTreeWidget()
        tree.setAccessibleName("Shortcuts")
        tree.setColumnCount(2)
        tree.setHeaderLabels(["Keys", "What they do"])
        tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        for name, actions in menus:
            self._group(
                tree, name, [(_keys(a), a.text().replace("&", "")) for a in actions if not a.shortcut().isEmpty()]
            )
        self._group(tree, "Elsewhere", list(ELSEWHERE))
        tree.expandAll()
        self.tree = tree
        layout.addWidget(tree)
        self.resize(em(46), em(34))

    @staticmethod
    def _group(tree: QTreeWidget, name: str, rows: list[tuple[str, str]]) -> None:
        if not rows:
            return
        top = QTreeWidgetItem([name, ""])
        top.setFlags(Qt.ItemFlag.ItemIsEnabled)
        tree.addTopLevelItem(top)
        for keys, text in rows:
            top.addChild(QTreeWidgetItem([keys, text]))


def _keys(action: QAction) -> str:
    return ", ".join(k.toString(QKeySequence.SequenceFormat.NativeText) for k in action.shortcuts())
