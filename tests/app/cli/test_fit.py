"""`plimsoll fit`: the newcomer's question, with names as people type them; every setup it names fits, and opens."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.cli import fit_setups
from app.cli.main import main
from app.cli.meant import MOST_OTHERS, card_meant, model_meant, words_of
from planner import share
from planner.estimate import Verdict, estimate
from planner.facts.gpus import gpus
from planner.facts.model import catalogue
from planner.plan_file import load_plan
from planner.plan_set import apply_set
from planner.presets import default_plan
from planner.problem import ProblemError
from tests.small_run import small_machine


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(fit_setups, "this_machine", lambda: small_machine())


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["fit", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = called(capsys, *arguments, "--json")
    return code, json.loads(out)


def test_i_have_a_12_gb_card_which_7b_setup(capsys: pytest.CaptureFixture[str]) -> None:
    code, made = as_json(capsys, "7B", "--gpu", "12 GB")
    assert code == 0
    assert made["model"] == "Qwen/Qwen2.5-7B"
    least = min(g.usable_bytes for g in gpus() if g.kind and g.supports_bf16 and round(g.memory_bytes / 2**30) == 12)
    picks = [s["pick"] for s in made["setups"]]
    assert picks[0] == "best"
    assert len(set(picks)) == len(picks) >= 2
    for setup in made["setups"]:
        plan = share.from_text(setup["text"])
        now = estimate(plan)
        assert now.verdict is Verdict.FITS
        assert setup["budget_bytes"] == least
        assert setup["high_bytes"] <= least
        assert now.tiers[0].peak_bytes == setup["peak_bytes"]
    assert any("RTX 3060" in remark for remark in made["remarks"])


def test_the_three_are_what_they_are_called(capsys: pytest.CaptureFixture[str]) -> None:
    _, made = as_json(capsys, "llama 3.1 8b", "--gpu", "RTX 4090")
    by_pick = {s["pick"]: s for s in made["setups"]}
    best, least, fastest = (by_pick[p] for p in ("best", "thriftiest", "fastest"))
    assert least["peak_bytes"] < best["peak_bytes"]
    assert fastest["seconds_per_million_tokens"][1] < best["seconds_per_million_tokens"][1]
    low, expected, high = best["seconds_per_million_tokens"]
    assert low < expected < high
    assert expected == pytest.approx(1e6 / best["tokens_per_s"][1])


def test_what_is_to_be_set_gives_the_very_plan(capsys: pytest.CaptureFixture[str]) -> None:
    _, made = as_json(capsys, "qwen2.5 7b", "--gpu", "3060 12GB")
    for setup in made["setups"]:
        plan = share.from_text(setup["text"])
        again = default_plan(plan.model, plan.data, plan.machine)
        for change in setup["set"]:
            again = apply_set(again, change)
        assert again.stage == plan.stage


def test_the_saved_plan_is_the_one_that_was_picked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    code, out, _ = called(capsys, "7B", "--gpu", "12 GB", "--pick", "thriftiest", "--save", str(file), "--text")
    assert code == 0
    saved = load_plan(file)
    assert estimate(saved).verdict is Verdict.FITS
    assert (
        f"{estimate(saved).tiers[0].peak_bytes / 2**30:.2f} GiB" in out.partition("Needs least")[2].partition("\n\n")[0]
    )
    assert share.from_text(out).stages == saved.stages


def test_what_was_assumed_is_said_and_what_is_given_is_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, out, _ = called(capsys, "smollm2 135m", "--gpu", "3050")
    assert "Every row is taken to have 1,024 tokens (--length N" in out
    rows = tmp_path / "rows.jsonl"
    row = {"messages": [{"role": "user", "content": "a" * 90}, {"role": "assistant", "content": "b" * 90}]}
    rows.write_text(5 * (json.dumps(row) + "\n"), encoding="utf-8")
    code, made = as_json(capsys, "smollm2 135m", "--gpu", "3050", "--data", str(rows), "--length", "4000")
    assert code == 0
    assert {s["micro_batch"] * s["grad_accumulation"] for s in made["setups"]} == {5}
    assert all(s["max_length"] < 200 for s in made["setups"])


def test_longer_rows_need_more(capsys: pytest.CaptureFixture[str]) -> None:
    of = [as_json(capsys, "7B", "--gpu", "24 GB", "--length", n)[1]["setups"] for n in ("512", "4096")]
    short, long = ({s["pick"]: s["peak_bytes"] for s in setups} for setups in of)
    assert short["thriftiest"] < long["thriftiest"]


def test_without_a_card_it_is_for_this_computer(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called(capsys, "smollm2 135m")
    assert code == 0
    assert "on test CPU" in out


def test_what_does_not_fit_says_by_how_much_and_what_would(capsys: pytest.CaptureFixture[str]) -> None:
    code, made = as_json(capsys, "70B", "--gpu", "12 GB")
    assert code == 3
    assert made["setups"] == []
    assert all("over on" in miss for miss in made["misses"])
    model, card = made["instead"]
    assert model.startswith("This card, another model: Llama-3")
    assert card.startswith("This model, another card: ")


def test_a_model_without_formulas_is_a_case_of_cannot_tell(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, "gpt-oss 20b", "--gpu", "4090")
    assert (code, out) == (4, "")
    assert "model.unsupported" in err


@pytest.mark.parametrize(
    ("arguments", "code", "names"),
    [
        (("lama 9 90b", "--gpu", "4090"), "fit.unknown_model", "Llama"),
        (("", "--gpu", "4090"), "fit.no_model", "7B"),
        (("7B", "--gpu", "RTX 4O90"), "fit.unknown_gpu", "4090"),
        (("7B", "--gpu", "7 GB"), "fit.unknown_gpu", "8 GB"),
        (("7B", "--gpu", "arc a770"), "fit.unknown_gpu", "size"),
        (("7B", "--gpu", ""), "fit.unknown_gpu", "12 GB"),
        (("7B", "--gpu= -5 GB"), "fit.unknown_gpu", "12 GB"),
        (("7B", "--gpu", "4090", "--length", "0"), "fit.length", "2048"),
        (("7B", "--gpu", "4090", "--length", "3"), "fit.length", "2048"),
        (("7B", "--gpu", "4090", "--ram", "nan"), "fit.ram", "32"),
        (("7B", "--ram", "8"), "fit.ram_without_card", "--gpu"),
        (("7B", "--gpu", "4090", "--data", "no/such.jsonl"), "data.file_unreadable", "such"),
        (("./no/such/folder", "--gpu", "4090"), "model.not_found", "config.json"),
    ],
)
def test_wrong_use_exits_with_2_and_names_what_there_is(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: str, names: str
) -> None:
    exit_code, out, err = called(capsys, *arguments)
    assert (exit_code, out) == (2, "")
    assert code in err
    assert names in err


@pytest.mark.parametrize(
    ("typed", "model"),
    [
        ("llama 3.1 8b", "meta-llama/Llama-3.1-8B"),
        ("Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B"),
        ("llama3.1 8B", "meta-llama/Llama-3.1-8B"),
        ("llama 3 8b", "meta-llama/Meta-Llama-3-8B"),
        ("mistral 7b", "mistralai/Mistral-7B-v0.1"),
        ("phi-1.5", "microsoft/phi-1_5"),
        ("tinyllama", "TinyLlama/TinyLlama-1.1B-Chat-v1.0"),
        ("7B", "Qwen/Qwen2.5-7B"),
        ("135m", "HuggingFaceTB/SmolLM2-135M"),
    ],
)
def test_a_model_is_found_by_how_people_say_it(typed: str, model: str) -> None:
    assert model_meant(typed).found.name == model


@pytest.mark.parametrize(
    ("typed", "card"),
    [
        ("RTX 4090", "NVIDIA GeForce RTX 4090"),
        ("rtx4090", "NVIDIA GeForce RTX 4090"),
        ("4090 laptop", "NVIDIA GeForce RTX 4090 Laptop GPU"),
        ("3060 12GB", "NVIDIA GeForce RTX 3060"),
        ("3060 ti", "NVIDIA GeForce RTX 3060 Ti"),
        ("a100", "NVIDIA A100-PCIE-40GB"),
        ("A100 80GB", "NVIDIA A100 80GB PCIe"),
        ("l4", "NVIDIA L4"),
        ("m1 16gb", "Apple M1, 16 GB"),
        ("7900 xtx", "AMD Radeon RX 7900 XTX"),
        ("24 GiB", "NVIDIA A10"),
        ("8 GB card", "NVIDIA GeForce RTX 4060"),
    ],
)
def test_a_card_is_found_by_how_people_say_it(typed: str, card: str) -> None:
    assert card_meant(typed).found.name == card


def test_an_exact_name_is_never_answered_with_another() -> None:
    for name in catalogue.names():
        assert model_meant(name).found.name == name
        assert model_meant(name).remark == ""
    for card in gpus():
        if card.kind:
            assert card_meant(card.name).found is card
            assert card_meant(card.name.lower()).remark == ""


def test_a_guess_is_named_with_what_else_it_could_be() -> None:
    remark = model_meant("mistral 7b").remark
    assert "mistralai/Mistral-7B-v0.1" in remark
    assert "mistralai/Mistral-7B-Instruct-v0.3" in remark
    assert "Laptop" in card_meant("4090").remark
    assert card_meant("3060 12GB").remark == ""
    assert card_meant("16 GB").remark.count("NVIDIA") <= MOST_OTHERS + 1
    assert "and " in card_meant("16 GB").remark


def test_numbers_are_never_guessed() -> None:
    for typed in ("llama 3.7 8b", "qwen2.5 8b", "mistral 9b"):
        with pytest.raises(ProblemError):
            model_meant(typed)
    with pytest.raises(ProblemError):
        card_meant("RTX 4091")


def test_words_are_split_as_they_are_read() -> None:
    assert words_of("Meta-Llama-3.1-8B") == ("meta", "llama", "3.1", "8b")
    assert words_of("RTX4090") == ("rtx", "4090")


def test_the_first_look_is_at_fewer_and_finds_what_all_find(capsys: pytest.CaptureFixture[str]) -> None:
    """The usual settings are looked at alone first; what they answer with is as good as what all would."""
    from planner.explore.explored import FITS
    from planner.explore.quality import quality_of
    from planner.explore.search import explore
    from planner.explore.space import Space, space_of
    from planner.explore.worth import worthy

    _, made = as_json(capsys, "7B", "--gpu", "12 GB")
    best = share.from_text(made["setups"][0]["text"])
    base = best.with_stage(default_plan(best.model, best.data, best.machine).stage)
    base = base.with_schedule(replace(base.stage.schedule, micro_batch=16, max_length=best.stage.schedule.max_length))
    space = space_of(base)
    smallest = tuple(p for p in space.grid if p[0] == 1 and p[2] == base.stage.schedule.max_length)
    everything = explore(base, Space(base, space.structures, smallest))
    fits = worthy(everything) & (everything.verdicts() == FITS)
    assert everything.quality[fits].min() == quality_of(best.stage.choices)
