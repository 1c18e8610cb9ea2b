"""`plimsoll why`: text from a file or standard input; words, JSON and exit codes as the other verbs have them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from app.cli import plan_source, why
from app.cli.main import main
from planner.facts.gpus import other_machine
from tests.small_run import small_machine

ERROR = (
    "CUDA out of memory. Tried to allocate 1.96 GiB. GPU 0 has a total capacity of 23.64 GiB of which 810.81 MiB is free. "
    "Including non-PyTorch memory, this process has 22.84 GiB memory in use. Of the allocated memory 20.43 GiB is allocated "
    "by PyTorch, and 1.97 GiB is reserved by PyTorch but unallocated."
)
TOO_MUCH = "trl sft --model_name_or_path Qwen/Qwen2.5-7B --hub_token hf_abcdefghijklmnop12"  # all of it, in float32


@pytest.fixture(autouse=True)
def _a_home_and_a_machine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    for module in (plan_source, why):
        monkeypatch.setattr(module, "this_machine", lambda _run_in=None: small_machine())


def asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, *arguments: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    code = main(["why", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_run_that_did_not_fit_is_explained_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = asked(monkeypatch, capsys, f"{TOO_MUCH}\n{ERROR}")
    assert code == 3
    assert out.startswith("1.17 GiB were missing on the card.")
    assert "Does not fit" in out
    assert "What would have fitted:" in out
    assert "hf_abc" not in out + err


def test_a_file_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "worker.log"
    file.write_bytes(f"{TOO_MUCH}\r\n\xff\xfe{ERROR}".encode("latin-1"))
    assert main(["why", str(file), "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert said["error"]["kind"] == "cuda"
    assert said["plan_from"] == "command"
    assert said["estimate"]["verdict"] == "does_not_fit"
    assert said["advice"]
    assert {"headline", "moment", "happened", "ledger", "disagrees", "not_in_these_figures", "missing"} <= set(said)


def test_a_preset_is_explained_where_the_text_has_no_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = asked(monkeypatch, capsys, ERROR, "-", "--preset", "24gb-card", "--json")
    assert json.loads(out)["plan_from"] == "open"
    assert code in (0, 3)


def test_without_any_plan_the_text_is_read_and_nothing_is_judged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = asked(monkeypatch, capsys, ERROR)
    assert code == 4
    assert "Missing:" in out


def test_a_command_alone_is_planned_for_this_computer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(why, "this_machine", lambda: other_machine("NVIDIA A2"))
    code, out, _ = asked(monkeypatch, capsys, TOO_MUCH)
    assert code == 3
    assert "NVIDIA A2" in out


@pytest.mark.parametrize(
    ("arguments", "text", "code"),
    [
        ((), "nothing here", "why.nothing_found"),
        ((), "", "why.empty"),
        (("no/such/file",), "", "why.not_readable"),
        ((".",), "", "why.not_readable"),
        (("-", "--plan", "no.json"), ERROR, "plan.not_found"),
        (("-", "--plan", "no.json", "--preset", "first-run"), ERROR, "cli.two_plans"),
    ],
)
def test_what_cannot_be_used_is_a_problem_and_exit_code_2(
    arguments: tuple[str, ...],
    text: str,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found, out, err = asked(monkeypatch, capsys, text, *arguments, "--json")
    assert found == 2
    assert out == ""
    assert json.loads(err)["problem"]["code"] == code


def test_a_closed_standard_input_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["why"]) == 2
    assert "standard input is closed" in capsys.readouterr().err
