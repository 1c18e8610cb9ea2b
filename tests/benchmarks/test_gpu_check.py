"""The check for a card, as far as it goes without one: what it lists, keeps, judges, and that nobody claims more."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu_check.__main__ import checks, chosen, main, run
from benchmarks.gpu_check.cases import CASES, EXAMPLE, RANDOM
from benchmarks.gpu_check.checks import capacity, driver, out_of_memory, plans
from benchmarks.gpu_check.results import FOLDER, NEVER, Results, file_for, ran_on_a_card
from benchmarks.gpu_check.row import FAILED, NOT_RUN, OK, Row
from benchmarks.gpu_check.running import Ran
from benchmarks.gpu_check.setting import Setting
from planner.estimate import estimate
from planner.facts.machine import Device, Holder, MachineFacts
from planner.reserved import context_of
from planner.run.build import main_tier
from planner.units import GIB, MIB
from tests.planner.test_estimate import ON_CARD, plan
from tests.small_run import small_machine

ROOT = Path(__file__).parents[2]
CARD = Device("cuda:0", "cuda", "NVIDIA A100-SXM4-40GB", 40 * GIB, 39 * GIB, (Holder("a game", GIB),))


def on(device: Device, work: Path, machine: MachineFacts | None = None) -> Setting:
    here = machine or small_machine()
    return Setting(replace(here, devices=(*here.devices, device)), device, work, quick=True)


@pytest.fixture
def on_cpu(tmp_path: Path) -> Setting:
    return Setting(small_machine(), small_machine().devices[0], tmp_path, quick=True)


def test_the_readme_says_never_run_on_a_gpu_until_a_result_of_a_card_lies_there() -> None:
    """Once one does, the sentence has to go, and with it the one in README's list of what never ran."""
    says = NEVER in " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert says is not ran_on_a_card()


def test_a_result_of_a_card_is_one_in_which_a_plan_ran_there(tmp_path: Path) -> None:
    def stored(kind: str, *states: str) -> None:
        rows = [Row(f"plan: {i}", state, "").to_json() for i, state in enumerate(states)]
        (tmp_path / "one.json").write_text(json.dumps({"device": {"kind": kind}, "rows": rows}))

    stored("cpu", OK)
    assert not ran_on_a_card(tmp_path)
    stored("cuda", NOT_RUN, FAILED)
    assert not ran_on_a_card(tmp_path)
    stored("rocm", FAILED, OK)
    assert ran_on_a_card(tmp_path)


def test_the_stored_result_of_the_cpu_has_all_checks_and_says_which_need_a_card() -> None:
    found = json.loads((FOLDER / "cpu.json").read_text(encoding="utf-8"))
    setting = Setting(small_machine(), small_machine().devices[0], FOLDER, quick=False)
    wanted = [name for name, _ in checks(setting, Results(setting, FOLDER / "none.json"))]
    assert [row["name"] for row in found["rows"]] == wanted
    assert found["notes"] == [NEVER]
    assert not found["quick"]
    for row in found["rows"]:
        assert row["commit"]
        if row["name"].startswith("plan: "):
            figures = row["figures"]["process"]
            inside = figures["low"] <= figures["measured"] <= figures["high"]
            assert row["state"] == (OK if inside else FAILED), row["name"]
            assert row["figures"]["allocated"]["measured"] is None
        elif row["name"].startswith(("capacity", "allocator", "driver")):
            assert row["state"] == NOT_RUN


def test_twelve_plans_of_two_models_differ_and_stand_on_a_cpu_and_on_a_card(
    on_cpu: Setting, tmp_path: Path, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(CASES) == len({case.name for case in CASES}) == 12
    assert {case.model for case in CASES} == {EXAMPLE, RANDOM}
    monkeypatch.setattr(Setting, "model", lambda *_: tiny_model_dir)
    for setting in (on_cpu, on(CARD, tmp_path)):
        ledgers = set()
        for case in CASES:
            said = estimate(setting.plan(case))
            assert not said.problems
            tier = main_tier(said, said.plan)
            assert tier is not None
            assert tier.place.tier == ("device" if setting.on_card else "host")
            ledgers.add((case.model, tuple((line.what, int(line.bytes)) for line in said.lines)))
        assert len(ledgers) == 12


def test_the_random_model_is_a_real_architecture_with_formulas_and_grows_with_the_card(
    on_cpu: Setting, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="needs the [train] extra")
    made = on_cpu.plan(next(case for case in CASES if case.model == RANDOM)).model
    assert (made.architecture, made.n_layers, made.vocab_size) == ("Qwen3ForCausalLM", on_cpu.layers, 512)
    layers = [on(replace(CARD, total_bytes=n * GIB), tmp_path).layers for n in (4, 8, 24, 80)]
    assert layers == sorted(layers)
    assert layers[0] == 4
    assert layers[1] < layers[2]
    assert layers[-1] == 28


def test_a_check_that_breaks_is_a_failed_row_and_the_next_ones_still_run(
    on_cpu: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> Row:
        raise RuntimeError("a driver without a name")

    monkeypatch.setattr(plans, "check", broken)
    results = Results(on_cpu, tmp_path / "r.json")
    run(on_cpu, results, ["plan: lora", "driver"])
    states = {name: row.state for name, row in results.rows.items()}
    assert states == {**{f"plan: {c.name}": FAILED for c in CASES if c.name.startswith("lora")}, driver.NAME: NOT_RUN}
    assert "a driver without a name" in capsys.readouterr().out
    assert results.failed == 6


def test_a_row_is_kept_while_it_is_of_this_program_and_good(on_cpu: Setting, tmp_path: Path) -> None:
    results = Results(on_cpu, tmp_path / "r.json")
    for name, state, commit in (("a", OK, results.commit), ("b", FAILED, results.commit), ("c", OK, "another")):
        results.add(Row(name, state, "", commit=commit))
    again = Results(on_cpu, tmp_path / "r.json")
    assert [name for name in "abc" if again.kept(name)] == ["a"]
    assert Results(on_cpu, tmp_path / "r.json", fresh=True).rows == {}


def compared(peaks: dict[str, int]) -> Row:
    made = plan(ON_CARD)
    return plans._compared("plan: x", estimate(made), Ran(True, 1.0, peaks, ("0x1p0",)))


def test_allocated_reserved_and_process_are_each_held_against_their_own_figure() -> None:
    said = estimate(plan(ON_CARD))
    tier = main_tier(said, said.plan)
    assert tier is not None
    assert tier.live_bytes < tier.reserved_bytes < tier.peak_bytes
    right = {
        "device allocated": tier.live_bytes,
        "device reserved": tier.reserved_bytes,
        "device process": tier.peak_bytes,
        "host process": 77,
    }
    assert compared(right).state == OK
    for name, wrong in (
        ("device allocated", tier.live_bytes * 104 // 100),
        ("device reserved", tier.reserved_bytes * 112 // 100),
        ("device process", tier.high_bytes + 1),
        ("device process", tier.low_bytes - 1),
    ):
        found = compared({**right, name: wrong})
        assert found.state == FAILED
        assert found.figures[name.split()[1]]["measured"] == wrong
    without_driver = {name: n for name, n in right.items() if name != "device process"}
    assert compared(without_driver).figures["process"]["measured"] is None


def test_the_context_is_what_a_process_holds_beside_torchs_bytes(tmp_path: Path) -> None:
    low, expected, high = context_of(8.0)

    def told(context: int) -> Row:
        figures = {"reserved": {"measured": 5 * GIB}, "process": {"measured": 5 * GIB + context}}
        return driver.check(on(CARD, tmp_path), [Row("plan: x", OK, "", figures=figures)])

    assert told(expected).state == told(low).state == OK
    assert told(high + MIB).state == told(low - MIB).state == FAILED
    assert "a game 1.00 GiB" in told(expected).says


def test_what_needs_a_card_is_not_run_and_a_mac_is_told_so(on_cpu: Setting, tmp_path: Path) -> None:
    mac = on(Device("mps", "mps", "Apple M4", 16 * GIB, 12 * GIB), tmp_path)
    for setting in (on_cpu, mac):
        assert capacity.check(setting, CASES[0]).state == NOT_RUN
        assert capacity.reserved(setting, CASES[0], expandable=True).state == NOT_RUN
    four_bits = next(case for case in CASES if case.name == "lora on 4 bits")
    refused = plans.check(mac, four_bits)
    assert refused.state == NOT_RUN
    assert "Apple M4" in refused.says


def test_the_device_is_chosen_by_id_or_kind_and_else_the_one_with_most_room() -> None:
    machine = replace(
        small_machine(), devices=(*small_machine().devices, replace(CARD, id="cuda:1", free_bytes=1), CARD)
    )
    assert chosen(machine, "") == CARD
    assert chosen(machine, "cuda:1") == replace(CARD, id="cuda:1", free_bytes=1)
    assert chosen(machine, "cpu") == small_machine().devices[0]
    assert chosen(machine, "rocm") is None
    assert file_for("cuda", CARD.name).name == "cuda-nvidia-a100-sxm4-40gb.json"


def test_memory_that_runs_out_on_purpose_is_said_with_its_bytes_and_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One real worker under a limit of the system's own."""
    pytest.importorskip("torch", reason="needs the [train] extra")
    out = tmp_path / "r.json"
    code = main(
        ["--quick", "--device", "cpu", "--only", out_of_memory.NAME, "--work", str(tmp_path), "--out", str(out)]
    )
    (row,) = json.loads(out.read_text(encoding="utf-8"))["rows"]
    if row["state"] == FAILED and "no last word" in row["says"]:
        pytest.skip("this system has no limit of that kind")
    assert code == 0, row
    assert NEVER in capsys.readouterr().out
    figures = row["figures"]
    assert figures["problem"]["code"] == "memory.out"
    assert figures["phase"] == "train"
    assert f"you tried to allocate {figures['asked']} bytes" in figures["problem"]["fact"]
    assert figures["explained"]
    assert figures["change"]
