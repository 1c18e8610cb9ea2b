"""The dialogs of the model field: a folder, or a file. What was chosen is read by others."""

from __future__ import annotations

from PySide6.QtWidgets import QFileDialog, QWidget

from app.pages.plan.model_menu import BROWSE, BROWSE_FILE
from app.pages.plan.picks import Pick


def ask_for(parent: QWidget, pick: Pick) -> Pick | None:
    """The pick itself, or what the person chose in its dialog; None when nothing was."""
    if pick.kind == BROWSE:
        path = QFileDialog.getExistingDirectory(parent, "A model's folder, or an adapter's")
    elif pick.kind == BROWSE_FILE:
        path, _kind = QFileDialog.getOpenFileName(parent, "A GGUF file", "", "GGUF (*.gguf)")
    else:
        return pick
    return Pick("folder", path) if path else None
