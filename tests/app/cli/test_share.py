"""`plimsoll share`: out as a text, in again from whatever message it stands in, with the same figures."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from app.cli import plan_source
from app.cli.main import main
from planner.estimate import estimate
from planner.plan_file import load_plan
from planner.presets import load_preset
from tests.small_run import small_machine


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(plan_source, "this_machine", lambda _run_in=None: small_machine())


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["share", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_what_goes_out_comes_in_again_with_the_same_two_lines(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = called(capsys, "--preset", "24gb-card", "--set", "trainable.rank=32")
    assert code == 0
    first, second, empty, *_ = out.splitlines()
    assert first.startswith("Llama-3.1-8B · LoRA rank 32 · ")
    assert (second[:11], empty) == ("Fullest in ", "")
    message, file = tmp_path / "message.txt", tmp_path / "plan.json"
    message.write_text("Hi,\n" + "\n".join(f"> {line}" for line in out.splitlines()) + "\nBye", encoding="utf-16")
    assert called(capsys, "--open", str(message), "--save", str(file)) == (0, f"{first}\n{second}\n", "")
    sent = estimate(load_preset("24gb-card", small_machine())).tiers
    assert [t.budget_bytes for t in estimate(load_plan(file)).tiers] == [t.budget_bytes for t in sent]

    class Stdin:
        buffer = io.BytesIO(out.encode())

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert called(capsys, "--open", "-")[0] == 0


def test_json_has_lines_and_text(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "--preset", "first-run", "--json")
    found = json.loads(out)
    assert len(found["lines"]) == 2
    assert found["text"].startswith("plimsoll-plan:1:")
    assert str(Path.home()) not in out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), "cli.no_plan"),
        (("--preset", "first-run", "--open", "x"), "cli.two_plans"),
        (("--preset", "first-run", "--save", "x"), "share.nothing_opened"),
        (("--open", "no/such/message"), "share.not_readable"),
        (("--open", __file__), "share.none"),
    ],
)
def test_wrong_use_exits_with_2(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: str) -> None:
    found, out, err = called(capsys, *arguments)
    assert (found, out) == (2, "")
    assert code in err
