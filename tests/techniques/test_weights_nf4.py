"""Four-bit weights: to the byte what bitsandbytes keeps, at every moment what is counted, and a whole run offline."""

from __future__ import annotations

import importlib.util
import json
import os
import runpy
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planner.drafting import draft, plan_problems
from planner.estimate import Verdict, estimate
from planner.evidence import likeness
from planner.export.folder import REQUIREMENTS, SCRIPT, export
from planner.facts.machine import Device
from planner.plan import Plan
from planner.run import start
from planner.run.build import run_spec
from planner.run.journal import read_all, steps
from planner.slots import Slot
from planner.techniques.weights_nf4 import TESTED, Nf4Options, WeightsNf4
from planner.units import GIB
from tests.planner.test_estimate import ON_CARD, machine, plan
from tests.small_run import choose, small_plan, write_run
from tests.techniques.by_hand import load, size, twin_of
from tests.tiny_model import make_rows, make_tiny_model

NF4 = choose(Slot.WEIGHTS, "nf4")
LAYERS, HIDDEN, KEYS, MIDDLE, WORDS = 30, 576, 192, 1536, 49152  # of the model that `plan` plans with
ALL_STEPS, KEPT_STEP = 4, 2


def test_half_a_byte_a_weight_and_the_scales_by_hand() -> None:
    """A float32 for each 64 values and a table of 16; or a byte for each, a float32 for 256 of those, and 257 values."""
    matrices = ((HIDDEN, HIDDEN), (KEYS, HIDDEN), (KEYS, HIDDEN), (HIDDEN, HIDDEN), *[(MIDDLE, HIDDEN)] * 3)
    plain = 2 * (WORDS * HIDDEN + (2 * LAYERS + 1) * HIDDEN)
    codes = sum(LAYERS * (a * b // 2 + 4 * 16) for a, b in matrices)
    single = sum(LAYERS * 4 * (a * b // 64) for a, b in matrices)
    double = sum(LAYERS * (a * b // 64 + 4 * -(-a * b // (64 * 256)) + 4 + 4 * 256) for a, b in matrices)
    for quantised, scales in ((False, single), (True, double)):
        chosen = plan(choose(Slot.WEIGHTS, "nf4", double_quant=quantised))
        rotary = size(chosen, "Weights") - (plain + codes + scales)
        assert rotary == size(plan(), "Weights") - plain - 2 * LAYERS * sum(a * b for a, b in matrices)


@pytest.mark.parametrize("double", [True, False], ids=["double", "single"])
@pytest.mark.parametrize("codes", ["nf4", "fp4"])
def test_a_loaded_model_has_the_planned_bytes_and_leaves_its_file(tmp_path: Path, codes: str, double: bool) -> None:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    options = Nf4Options(codes, double)
    folder = make_tiny_model(tmp_path / "m", hidden_size=48, intermediate_size=88, tied_head=False)
    model = load(folder, **twin_of(WeightsNf4()).load_kwargs(options))
    before = {name: p.data_ptr() for name, p in model.named_parameters()}
    after = dict(twin_of(WeightsNf4()).wrap(model, options).named_parameters())
    states = {name: p.quant_state for name, p in after.items() if hasattr(p, "quant_state")}
    assert {name.split(".")[-2] for name in states} == {
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    }
    assert {s.quant_type for s in states.values()} == {codes}
    assert {s.nested for s in states.values()} == {double}
    assert {p.dtype for name, p in after.items() if name not in states} == {torch.bfloat16}
    assert all(after[name].data_ptr() != where for name, where in before.items() if name not in states)
    counted = sum(p.nbytes for p in after.values()) + sum(b.nbytes for b in model.buffers())
    for s in states.values():
        counted += s.absmax.nbytes + s.code.nbytes
        counted += s.offset.nbytes + s.state2.absmax.nbytes + s.state2.code.nbytes if double else 0
    tiny = small_plan(folder, make_rows(tmp_path / "rows.jsonl", 4), replace(NF4, options=options))
    assert size(tiny, "Weights") == counted


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("activation", ["keep_all", "checkpointing"])
def test_lora_beside_scales_in_float32_is_counted_as_planned_at_every_moment(tmp_path: Path, activation: str) -> None:
    """The walk over all pairs counts the defaults; here is the other answer to each of them."""
    pytest.importorskip("bitsandbytes", reason="needs the [train] extra")
    from tests.backends.test_counted_truth import assert_counted_as_planned, counted_plan

    folder = make_tiny_model(tmp_path / "m", n_layers=3, hidden_size=96, intermediate_size=232, vocab_size=1031)
    choices = choose(Slot.WEIGHTS, "nf4", quant_type="fp4", double_quant=False), choose(Slot.ACTIVATION, activation)
    made, data = counted_plan(folder, *choices, choose(Slot.TRAINABLE, "lora", dropout=0.1), grad_accumulation=2)
    assert_counted_as_planned(made, data)


def test_beside_quantised_weights_the_adapter_is_bfloat16_as_trl_makes_it() -> None:
    assert 2 * size(plan(NF4), "Adapter") == size(plan(), "Adapter")
    narrow = choose(Slot.TRAINABLE, "lora", adapter_dtype="same as weights")
    assert size(plan(NF4, narrow), "Adapter") == size(plan(NF4), "Adapter")


def test_all_weights_cannot_be_trained_in_codes_and_the_advice_names_what_can() -> None:
    refused = estimate(plan(NF4, choose(Slot.TRAINABLE, "full")))
    assert refused.verdict is Verdict.CANNOT_TELL
    assert [p.code for p in refused.problems] == ["trainable.quantised"]
    assert "LoRA" in refused.problems[0].advice
    assert not plan_problems(plan(NF4))
    assert not plan_problems(plan(choose(Slot.TRAINABLE, "full")))


def test_devices_without_bfloat16_or_kernels_of_their_own_are_refused() -> None:
    old_card = choose(Slot.PLACEMENT, "one_device", device="cuda:1")
    assert [p.code for p in plan_problems(plan(NF4, old_card))] == ["weights.no_bf16"]
    mac = replace(machine(), devices=(Device("mps", "mps", "Apple M4", 16 * GIB, 12 * GIB),))
    chosen = plan(NF4, choose(Slot.PLACEMENT, "one_device", device="mps"), at=mac)
    assert [p.code for p in plan_problems(chosen)] == ["weights.no_four_bits"]
    assert not plan_problems(plan(NF4, ON_CARD))


def test_while_it_loads_one_matrix_is_there_as_it_was_read() -> None:
    """An untied head stays whole; of a model whose largest tensor is a matrix of a block, its 16 bits count."""
    wide = replace(plan(NF4), model=replace(plan().model, vocab_size=512))
    assert size(wide, "One tensor being copied") == 2 * MIDDLE * HIDDEN


def test_evidence_of_quantised_runs_is_looked_up_for_it() -> None:
    assert likeness(draft(plan(NF4, ON_CARD))).packed == "packed"
    assert likeness(draft(plan(ON_CARD))).packed == "plain"


def test_the_library_is_pinned_where_it_is_needed_and_in_the_version_that_is_tested(tmp_path: Path) -> None:
    def versions(chosen: Plan) -> dict[str, str]:
        return dict(run_spec(chosen, estimate(chosen), tmp_path, elsewhere=True).versions)

    assert "bitsandbytes" in versions(plan(NF4))
    assert "bitsandbytes" not in versions(plan())
    root = Path(__file__).parents[2]
    assert f"bitsandbytes=={TESTED}\n" in (root / "constraints.txt").read_text()
    extra = (root / "pyproject.toml").read_text().partition("train = [")[2].partition("\n]")[0]
    assert "\"bitsandbytes>=0.50,<0.51; sys_platform != 'darwin'\"" in extra
    assert '"kernels' not in extra


def test_where_it_is_not_installed_the_start_names_the_extra_and_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if "bitsandbytes" in name else find(name, *a)
    )
    stored = {"versions": dict(run_spec(plan(NF4), estimate(plan(NF4)), tmp_path, elsewhere=True).versions)}
    problem = start.missing_library(stored)
    assert problem is not None
    assert problem.code == "worker.no_library"
    assert "[train]" in problem.advice
    assert f'-m pip install "bitsandbytes=={stored["versions"]["bitsandbytes"]}"' in problem.advice
    assert start.missing_library({"versions": {}}) is None
    assert start.missing_library({"versions": "damaged"}) is None


# --- one real run, without a network, in this process


@pytest.fixture(scope="module")
def offline() -> Iterator[None]:
    """No socket can be opened; one of the system's own, between threads of asyncio, is not asked for here."""

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("the network was asked for")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, refused)
        patch.setattr(socket, "getaddrinfo", refused)
        yield


@pytest.fixture(scope="module")
def finished(offline: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path]:
    """A plan of four steps with a sample answer before them, and the folder of its run."""
    pytest.importorskip("bitsandbytes", reason="needs the [train] extra")
    folder = tmp_path_factory.mktemp("nf4")
    made = small_plan(
        make_tiny_model(folder / "m"),
        make_rows(folder / "rows.jsonl", 16),
        NF4,
        max_steps=ALL_STEPS,
        save_steps=KEPT_STEP,
        grad_accumulation=2,
    )
    assert made.data.sample_prompt
    write_run(folder / "run", made)
    assert in_this_process(folder / "run") == 0
    return made, folder / "run"


def in_this_process(run_dir: Path) -> int:
    from backends import worker

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DATASETS_CACHE", str(run_dir / "cache"))
        patch.setattr("signal.signal", lambda *_: None)
        return worker.main([str(run_dir)])


def losses(run_dir: Path) -> list[str]:
    return [step.loss_hex for step in steps(read_all(run_dir).events)]


needs_names = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


@needs_names
def test_it_trains_with_no_network_and_no_package_that_would_fetch_kernels(finished: tuple[Plan, Path]) -> None:
    assert importlib.util.find_spec("kernels") is None
    told = losses(finished[1])
    assert len(told) == len(set(told)) == ALL_STEPS


@needs_names
def test_it_goes_on_from_a_checkpoint_with_the_very_same_losses(finished: tuple[Plan, Path], tmp_path: Path) -> None:
    made, whole = finished
    write_run(tmp_path / "resumed", made)
    kept = f"checkpoints/step-{KEPT_STEP}"
    shutil.copytree(whole / kept, tmp_path / "resumed" / kept)
    assert in_this_process(tmp_path / "resumed") == 0
    assert losses(tmp_path / "resumed") == losses(whole)[KEPT_STEP:]


@needs_names
def test_the_exported_script_gives_the_losses_of_the_run_although_only_the_run_wrote_an_answer_first(
    finished: tuple[Plan, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bitsandbytes lays codes out anew when a model answers on a CPU; trained on like that, gradients go astray."""
    made, whole = finished
    export(made, run_spec(made, estimate(made), whole), tmp_path / "export")
    assert f"bitsandbytes=={TESTED}" in (tmp_path / "export" / REQUIREMENTS).read_text()
    monkeypatch.setattr(sys, "argv", [SCRIPT, "--output", str(tmp_path / "made")])
    monkeypatch.setattr(os, "environ", {**os.environ})  # the script writes into it
    runpy.run_path(str(tmp_path / "export" / SCRIPT))
    told = [json.loads(line)["loss_hex"] for line in (tmp_path / "made" / "losses.jsonl").read_text().splitlines()]
    assert told == losses(whole)
