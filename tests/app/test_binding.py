"""The Qt binding itself: a release that gives away references to None or True ends the process after some thousand calls.

PySide6 6.12.0 does so below Python 3.12, where these objects can die; from 3.12 on they cannot.
"""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

CALLS = 200


class Source(QObject):
    told = Signal(object)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None and True are immortal there")
def test_calls_into_qt_leave_the_counts_of_none_and_true_alone(qtbot: QtBot) -> None:
    source, box = Source(), QComboBox()
    qtbot.addWidget(box)
    box.addItem("x")
    before = sys.getrefcount(None), sys.getrefcount(True)
    for _call in range(CALLS):
        source.told.emit(None)
        box.itemData(0)
    after = sys.getrefcount(None), sys.getrefcount(True)
    lost = max(a - b for a, b in zip(before, after, strict=True))
    assert lost < CALLS // 2, "this PySide6 release must be left out in pyproject.toml"
