"""Rows of a person's own file are counted in the background with the model's own tokenizer, and the figures follow."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from pytestqt.qtbot import QtBot

from app.counted import wanted
from app.pages.plan.picks import Pick
from app.shell.window import MainWindow
from planner.run.home import HOME_VARIABLE, models_dir


@pytest.mark.usefixtures("warm_workers")
def test_estimated_lengths_become_counted_ones_without_being_asked_for(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model_dir: Path
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    shutil.copytree(tiny_model_dir, models_dir() / "tiny")
    rows = tmp_path / "mine.jsonl"
    questions = ("how much memory does a step need", "what is the peak of a run", "is one token one byte")
    messages = [
        [{"role": "user", "content": q}, {"role": "assistant", "content": "room for two " * n}]
        for n, q in enumerate(questions, 1)
    ]
    rows.write_text("".join(json.dumps({"messages": m}) + "\n" for m in messages))
    window = MainWindow()
    qtbot.addWidget(window)
    with qtbot.waitSignal(window.filled, timeout=60_000):
        window.show()
    window.plan_page.take_data(Pick("file", str(rows)))
    window.plan_page.take_model(Pick("folder", str(models_dir() / "tiny")))

    def counted() -> bool:
        plan = window.document.plan
        return plan is not None and plan.model.name == "tiny" and plan.data.lengths_from == "counted"

    qtbot.waitUntil(counted, timeout=120_000)
    plan = window.document.plan
    assert plan is not None
    assert plan.data.path == str(rows)
    assert not wanted(plan)
    expected = token_counts(tiny_model_dir, messages)
    assert plan.data.lengths == expected
    assert f"longest batch 3 × {max(expected)} tokens" in window.plan_page.form.what.data_words.text().replace(
        "\xa0", " "
    )
    qtbot.waitUntil(lambda: not list((tmp_path / "home" / "work").iterdir()), timeout=120_000)
    window._closing_decided = True
    window.close()


def token_counts(model: Path, messages: list[list[dict[str, str]]]) -> tuple[int, ...]:
    """What the library itself counts."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    return tuple(len(tokenizer.apply_chat_template(m, tokenize=True)["input_ids"]) for m in messages)
