"""The command line: exit codes and JSON that scripts may rely on, and words for everything that goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from app.cli import get_example, output, plan_source, prove
from app.cli.exits import Exit
from app.cli.follow import follow
from app.cli.main import main
from planner.plan_file import save_plan
from planner.presets import load_preset, preset_names
from planner.problem import Problem
from planner.run import lock
from tests.small_run import small_machine

ROOT = Path(app.__file__).parent.parent


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees a person's runs or models; the machine is the tests' own, so that verdicts do not depend on it."""
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(plan_source, "this_machine", lambda _run_in=None: small_machine())


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


def plan_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = called(capsys, "plan", "--json", *arguments)
    return code, json.loads(out)


def test_a_plan_in_json_has_the_promised_fields(capsys: pytest.CaptureFixture[str]) -> None:
    code, made = plan_json(capsys, "--preset", "first-run")
    assert code == 0
    assert {"verdict", "tiers", "ledger", "advice"} <= set(made)
    assert made["verdict"] in ("fits", "tight")
    tier_fields = ("name", "budget_bytes", "peak_bytes", "low_bytes", "high_bytes", "peak_phase", "peak_moment")
    figures = ("allocated_bytes", "reserved_bytes", "process_bytes")
    assert all(set(tier) == {*tier_fields, *figures, "causes"} for tier in made["tiers"])
    assert all(tier["allocated_bytes"] <= tier["process_bytes"] == tier["peak_bytes"] for tier in made["tiers"])
    assert all(set(line) == {"what", "kind", "tier", "bytes", "phases", "why"} for line in made["ledger"])
    assert {line["tier"] for line in made["ledger"]} <= {tier["name"] for tier in made["tiers"]}
    assert all(isinstance(line["bytes"], int) and line["why"] for line in made["ledger"])


def test_a_plan_that_does_not_fit_exits_with_3_and_gives_advice(capsys: pytest.CaptureFixture[str]) -> None:
    wishes = ("--set", "trainable=full", "--set", "weights=fp32", "--set", "schedule.micro_batch=8")
    code, made = plan_json(capsys, "--preset", "24gb-card", *wishes)
    assert (code, made["verdict"]) == (3, "does_not_fit")
    assert made["advice"]
    promised = {"title", "detail", "saves_bytes", "short", "verdict", "time_factor", "time_source", "loses"}
    assert all(set(change) == promised for change in made["advice"])
    assert {change["verdict"] for change in made["advice"]} == {"fits"}
    assert made["room"] == []
    _, out, _ = called(capsys, "plan", "--preset", "24gb-card", *wishes)
    assert all(f"- {change['title']}. {change['detail']}" in out for change in made["advice"])


def test_a_plan_that_fits_says_what_would_use_the_room_left(capsys: pytest.CaptureFixture[str]) -> None:
    wishes = ("--set", "weights=nf4", "--set", "schedule.micro_batch=1")
    code, made = plan_json(capsys, "--preset", "24gb-card", *wishes)
    assert (code, made["verdict"], made["advice"]) == (0, "fits", [])
    assert any(use["short"] == "bf16 base" for use in made["room"])
    _, out, _ = called(capsys, "plan", "--preset", "24gb-card", *wishes)
    heading, *uses = out.splitlines()[-1 - len(made["room"]) :]
    assert heading == "With the room left:"
    assert [u.split(". ")[0] for u in uses] == [f"- {use['title']}" for use in made["room"]]


def test_a_model_without_formulas_exits_with_4(capsys: pytest.CaptureFixture[str]) -> None:
    code, made = plan_json(capsys, "--preset", "24gb-card", "--set", "model=openai/gpt-oss-20b")
    assert (code, made["verdict"]) == (4, "cannot_tell")
    assert made["reason"]


def test_a_plan_in_words_says_every_line_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    _, made = plan_json(capsys, "--preset", "8gb-card")
    code, out, _ = called(capsys, "plan", "--preset", "8gb-card")
    assert code == 0
    for line in made["ledger"]:
        if line["bytes"]:
            assert line["what"] in out
            assert line["why"] in out
    assert made["reason"] in out


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_plans(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, made = plan_json(capsys, "--preset", name)
    assert (code, made["verdict"]) in {(0, "fits"), (0, "tight")}


def test_a_saved_plan_gives_the_same_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "p.json")
    _, first = plan_json(capsys, "--preset", "cpu-laptop", "--set", "trainable.rank=3", "--save", path)
    assert plan_json(capsys, path)[1] == first


def test_what_is_set_moves_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    _, small = plan_json(capsys, "--preset", "8gb-card", "--set", "trainable.rank=2")
    _, large = plan_json(capsys, "--preset", "8gb-card", "--set", "trainable.rank=256")
    assert large["tiers"][0]["peak_bytes"] > small["tiers"][0]["peak_bytes"]


@pytest.mark.parametrize(
    ("arguments", "code", "names"),
    [
        (("plan",), "cli.no_plan", "first-run"),
        (("plan", "x.json", "--preset", "first-run"), "cli.two_plans", "one of them"),
        (("plan", "--preset", "no-such"), "preset.unknown", "cpu-laptop"),
        (("plan", "no/such/file.json"), "plan.not_found", "preset"),
        (("plan", "--preset", "first-run", "--set", "rank"), "set.not_understood", "trainable"),
        (("plan", "--preset", "first-run", "--set", "rank=3"), "set.unknown", "trainable"),
        (("plan", "--preset", "first-run", "--set", "trainable.rnk=3"), "option.unknown", "rank"),
        (("plan", "--preset", "first-run", "--set", "trainable=lira"), "technique.unknown", "lora"),
        (("plan", "--preset", "first-run", "--set", "trainable.rank=0"), "option.out_of_bounds", "1"),
        (("plan", "--preset", "first-run", "--set", "trainable.rank=many"), "option.wrong_type", "whole number"),
        (("plan", "--preset", "first-run", "--set", "model=Qwen/none"), "model.not_in_catalogue", "folder"),
        (("plan", "--preset", "first-run", "--set", "model=./nowhere"), "model.not_found", "config.json"),
        (("plan", "--preset", "first-run", "--set", "model=~nobody-here/x"), "model.not_found", "config.json"),
        (("plan", "--preset", "first-run", "--set", "model="), "set.not_understood", "model=PATH"),
        (("plan", "--preset", "first-run", "--set", "data= "), "set.not_understood", "data=PATH"),
        (("plan", "--preset", "first-run", "--set", "schedule.max_grad_norm=inf"), "option.out_of_bounds", "0"),
        (("plan", "--preset", "first-run", "--set", f"schedule.max_steps={10**22}"), "option.out_of_bounds", "-1"),
        (("run", "--preset", "first-run", "--out", ""), "cli.no_folder", "--out"),
        (("run", "--resume", ""), "cli.no_folder", "--resume"),
        (("run", "--resume", "no/such/run"), "run.no_spec", "no/such/run"),
        (("export", "--preset", "first-run", "--out", ""), "cli.no_folder", "--out"),
        (("export", "--run", "no/such/run", "--out", "y"), "run.no_spec", "no/such/run"),
        (("export", "--run", "x", "--preset", "first-run", "--out", "y"), "cli.two_plans", "alone"),
        (("run", "--resume", "x", "--preset", "first-run"), "cli.two_plans", "alone"),
    ],
)
def test_wrong_use_exits_with_2_and_says_what_there_is(
    arguments: tuple[str, ...], code: str, names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, out, err = called(capsys, *arguments)
    assert exit_code == 2
    assert out == ""
    assert code in err
    assert names in err
    exit_code, _, err = called(capsys, *arguments, "--json")
    assert exit_code == 2
    assert json.loads(err)["problem"]["code"] == code


@pytest.mark.parametrize(
    "arguments",
    [["no-such-verb"], ["plan", "--no-such"], ["export"], ["run", "--max-steps", "0"], ["run", "--pre", "x"]],
)
def test_what_the_parser_refuses_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_run_refuses_what_does_not_fit_and_what_it_cannot_judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "run")
    too_big = ("--set", "model=meta-llama/Llama-3.1-70B", "--set", "placement.device=cpu")
    assert called(capsys, "run", "--preset", "first-run", *too_big, "--out", out)[0] == 3
    unknown = ("--set", "model=openai/gpt-oss-20b")
    assert called(capsys, "run", "--preset", "first-run", *unknown, "--out", out)[0] == 4
    assert not Path(out).exists()


def test_run_says_where_the_weights_can_be_had(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = called(capsys, "run", "--preset", "first-run", "--out", str(tmp_path / "run"))
    assert code == 1
    assert "model.not_on_disk" in err
    assert "get-example" in err


def test_a_proof_that_cannot_be_made_leaves_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, "prove", "--preset", "24gb-card", "--anyway", "--json")
    assert (code, out) == (1, "")
    assert json.loads(err)["problem"]["advice"]
    assert not list(tmp_path.rglob("prove-*"))


def test_a_proof_that_was_stopped_has_proved_nothing_and_exits_with_1(
    tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prove.start, "missing_train_extra", lambda: None)
    monkeypatch.setattr(prove.start, "start", lambda _folder: None)
    monkeypatch.setattr(prove, "follow", lambda *_given, **_named: Exit.OK)
    code, out, err = called(capsys, "prove", "--preset", "first-run", "--set", f"model={tiny_model_dir}", "--anyway")
    assert (code, out) == (1, "")
    assert "cannot be read" not in err


@pytest.mark.parametrize(("saves", "said"), [(True, "stop and save"), (False, "nothing is kept")])
def test_what_is_asked_to_stop_is_said_to_save_only_if_it_does(
    saves: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_folder: Path) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(lock, "is_held", interrupt)
    assert follow(tmp_path, 0, as_json=False, saves=saves) == 1
    assert said in capsys.readouterr().err


def test_a_plan_for_another_computer_is_exported_without_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(capsys, "export", "--preset", "24gb-card", "--out", str(tmp_path / "out"))[0] == 0
    source = (tmp_path / "out" / "train.py").read_text()
    assert "MODEL = ''" in source
    assert "give --model and --data" in source


def test_export_writes_a_folder(tmp_path: Path, tiny_model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--preset", "first-run", "--set", f"model={tiny_model_dir}", "--out", str(tmp_path / "out"))
    code, out, _ = called(capsys, "export", *where, "--json")
    assert code == 0
    assert "train.py" in json.loads(out)["files"]
    compile((tmp_path / "out" / "train.py").read_text(), "train.py", "exec")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis").touch()
    code, _, err = called(capsys, "export", *where[:-1], str(tmp_path / "other"))
    assert code == 1
    assert "export.folder_in_use" in err


def test_hardware_in_json_has_totals_and_what_is_free(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called(capsys, "hardware", "--json")
    found = json.loads(out)
    assert code == 0
    assert 0 < found["host_free_bytes"] <= found["host_total_bytes"] <= found["ram_total_bytes"]
    assert found["devices"][-1]["id"] == "cpu"
    code, out, _ = called(capsys, "hardware")
    assert code == 0
    assert "RAM" in out


def test_numbers_that_are_not_finite_become_null() -> None:
    assert json.loads(output.json_text({"loss": float("nan"), "more": [float("inf"), 1.5]})) == {
        "loss": None,
        "more": [None, 1.5],
    }


# --- in a process of its own ---


def process(*arguments: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        timeout=60,
    )


def test_the_command_line_starts_without_qt_and_torch() -> None:
    code = (
        "import sys; from app.__main__ import main\n"
        "assert main(['plan', '--preset', 'cpu-laptop']) == 0\n"
        "assert not {'PySide6', 'torch', 'matplotlib', 'backends'} & set(sys.modules), sys.modules\n"
    )
    done = process("-c", code)
    assert done.returncode == 0, done.stderr


def test_an_ascii_terminal_gets_escapes_and_no_traceback(tmp_path: Path) -> None:
    plan = replace(load_preset("cpu-laptop", small_machine()), name="Müller 漢 \udcff \x1b[31m")
    save_plan(plan, tmp_path / "p.json")
    ascii_only = {"PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = process("-m", "app", "plan", str(tmp_path / "p.json"), **ascii_only)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"M\\xfcller \\u6f22" in done.stdout
    assert b"\x1b" not in done.stdout


def test_a_reader_that_leaves_early_is_no_traceback() -> None:
    command = [sys.executable, "-m", "app", "plan", "--json", "--preset", "24gb-card"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout
        assert started.stderr
        started.stdout.close()
        said = started.stderr.read()
        started.wait(timeout=60)
    assert b"Traceback" not in said
    assert b"BrokenPipe" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a Linux device")
def test_a_result_that_finds_no_room_is_a_sentence_and_exit_code_1() -> None:
    command = [sys.executable, "-m", "app", "plan", "--json", "--preset", "24gb-card"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


def test_what_a_person_typed_at_length_is_quoted_in_short(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = called(capsys, "plan", "--preset", "first-run", "--set", "schedule.save_steps=" + "9" * 5000)
    assert len(err) < 300


def test_what_could_not_be_looked_at_is_said_beside_the_plan(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Looking at NVIDIA devices failed: it did not answer within 2 s."
    monkeypatch.setattr(plan_source, "this_machine", lambda _run_in: replace(small_machine(), notes=(said,)))
    _, out, _ = called(capsys, "plan", "--preset", "first-run")
    assert said in out


@pytest.mark.parametrize("name", ["planner", "backends"])
def test_another_package_of_the_same_name_is_named_and_not_run(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("print('I was run')\n")
    done = process("-m", "app", "hardware", cwd=tmp_path)
    assert done.returncode == 1
    assert b"I was run" not in done.stdout
    assert name.encode() in done.stderr
    assert b"Traceback" not in done.stderr


def test_get_example_says_what_is_missing_before_it_downloads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = Problem("worker.no_train_extra", "Training needs libraries that are not installed: torch.", "Install.")
    monkeypatch.setattr(get_example, "missing_train_extra", lambda: missing)
    code, _, err = called(capsys, "get-example")
    assert code == 1
    assert "worker.no_train_extra" in err
    assert "Downloading" not in err


def test_get_example_says_the_size_before_it_downloads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(get_example, "missing_train_extra", lambda: None)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    code, _, err = called(capsys, "get-example")
    assert code == 1
    assert err.index("89 MiB") < err.index("Downloading")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a display of their own")
def test_the_window_without_a_display_says_so_instead_of_ending_the_process() -> None:
    shown = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    bare = {name: value for name, value in os.environ.items() if name not in shown}
    done = subprocess.run([sys.executable, "-m", "app"], cwd=ROOT, env=bare, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "[window.no_display]" in done.stderr
