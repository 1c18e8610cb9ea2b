"""The dry run as a job and as a verb: what it leaves, that it can be stopped, and what it refuses by its name."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

from app.cli import dry_run as verb
from app.cli.exits import Exit
from backends.dry_run.picture import dry_run
from backends.jobs import dry_run as job
from backends.meter import Meter
from backends.report import Report
from backends.techniques import weights_nf4
from planner.estimate import estimate
from planner.facts.model import catalogue
from planner.plan import Plan
from planner.plan_file import save_plan
from planner.problem import ProblemError
from planner.run import inbox
from planner.run.build import run_spec
from planner.run.journal import read_all
from planner.run.results import DRY_RUN, DryRun, load
from planner.slots import Slot
from tests.backends.dry_run.random_plans import machine_with_card, plan_of, shape
from tests.small_run import choose

pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    on_card = choose(Slot.PLACEMENT, "one_device", device="cuda:0")
    return plan_of(shape("llama", tmp_path_factory.mktemp("shape")), on_card, rows=1, length=64)


@pytest.fixture(scope="module")
def result(plan: Plan) -> DryRun:
    return dry_run(plan)


def test_the_three_figures_of_the_allocator_are_in_their_order(result: DryRun) -> None:
    assert 0 < result.live_bytes <= result.smallest_bytes <= result.reserved_bytes
    assert result.live_bytes <= result.expandable_bytes


def test_the_tensors_of_the_peak_add_up_to_it(result: DryRun) -> None:
    shown = sum(x.bytes * x.count for x in result.tensors)
    assert 0.99 * result.live_bytes <= shown <= result.live_bytes
    sizes = [x.bytes * x.count for x in result.tensors]
    assert sizes == sorted(sizes, reverse=True)
    assert {"Weights", "Workspaces of matmuls"} <= {x.what for x in result.tensors}


def job_in(folder: Path, plan: Plan) -> str:
    report, spec = Report(folder), run_spec(plan, estimate(plan), folder, elsewhere=True, job="dry_run")
    meter = Meter(report)
    try:
        return job.run(spec, report, meter).outcome
    finally:
        meter.stop()
        report.close()


def test_the_job_leaves_its_result_and_tells_where_it_is(
    tmp_path: Path, plan: Plan, result: DryRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))  # killed, it leaves nothing but its folder
    assert job_in(tmp_path, plan) == "done"
    assert not [x for x in tmp_path.iterdir() if x.is_dir()]
    found = load(DryRun, tmp_path / DRY_RUN)
    assert found.memory_bytes > 0
    assert replace(found, memory_bytes=0, seconds=0.0) == replace(result, memory_bytes=0, seconds=0.0)
    phases = [x.phase for x in read_all(tmp_path).events if x.tag == "phase"]  # type: ignore[union-attr]
    assert list(dict.fromkeys(phases)) == ["load", "trace", "replay"]


def test_a_stopped_dry_run_leaves_nothing(tmp_path: Path, plan: Plan) -> None:
    inbox.send(tmp_path, "stop")
    assert job_in(tmp_path, plan) == "stopped"
    assert not (tmp_path / DRY_RUN).exists()


def test_what_cannot_be_traced_is_refused_by_its_name(plan: Plan) -> None:
    refused = dry_run(plan.with_choice(choose(Slot.WEIGHTS, "nf4")))
    assert refused.untraceable.startswith("4-bit (NF4)")
    assert weights_nf4.UNTRACEABLE in refused.untraceable
    assert (refused.live_bytes, refused.moments, refused.tensors) == (0, (), ())
    assert list(verb.in_words(refused)) == [refused.untraceable]


def test_an_operation_that_needs_contents_refuses_the_model_by_its_name(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.models.llama import modeling_llama

    forward = modeling_llama.LlamaMLP.forward
    monkeypatch.setattr(modeling_llama.LlamaMLP, "forward", lambda self, x: forward(self, x[x > 0].view(1, 1, -1)))
    refused = dry_run(plan)
    assert refused.untraceable.startswith("LlamaForCausalLM cannot be traced")
    assert refused.live_bytes == 0


def test_a_model_of_the_catalogue_needs_no_folder(plan: Plan) -> None:
    traced = dry_run(replace(plan, model=catalogue.find("HuggingFaceTB/SmolLM2-135M")))
    assert traced.live_bytes == max(x.bytes for x in traced.moments)
    unknown = replace(plan, model=replace(plan.model, path="", name="nobody's"))
    with pytest.raises(ProblemError, match="neither on this computer nor in the catalogue"):
        dry_run(unknown)


def test_a_model_without_formulas_is_traced_all_the_same(plan: Plan, tmp_path: Path) -> None:
    other = replace(shape("llama", tmp_path), unsupported_because="its feed-forward layer goes another way")
    traced = dry_run(replace(plan, model=other))
    assert traced.live_bytes > 0
    assert traced.differences == ()


def test_weights_that_are_stored_packed_are_not_traced_as_if_they_were_not(plan: Plan, tmp_path: Path) -> None:
    folder = Path(shape("llama", tmp_path).path)
    config = json.loads((folder / "config.json").read_text())
    packed = {**config, "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    (folder / "config.json").write_text(json.dumps(packed))
    with pytest.raises(ProblemError, match=r"stored packed \(bitsandbytes\)"):
        dry_run(replace(plan, model=replace(plan.model, path=str(folder))))


def test_the_verb_shows_peak_tensors_and_differences(
    tmp_path: Path, plan: Plan, warm_workers: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("app.cli.plan_source.this_machine", lambda *_: machine_with_card())
    monkeypatch.setattr("app.cli.plan_source.fresh", lambda found, *_, **__: found)
    save_plan(plan, tmp_path / "plan.json")
    asked = argparse.Namespace(plan=str(tmp_path / "plan.json"), preset=None, changes=[], json=True)
    assert verb.run(asked) is Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert told["live_bytes"] == dry_run(plan).live_bytes
    assert not list((tmp_path / "home" / "work").iterdir())


def test_the_words_name_every_figure_and_every_cause(result: DryRun) -> None:
    text = "\n".join(verb.in_words(result))
    for word in ("Live tensors at their peak", "Smallest capacity", "Alive at the peak:", "never run beside one"):
        assert word in text
    assert all(x.why in text for x in result.differences)
