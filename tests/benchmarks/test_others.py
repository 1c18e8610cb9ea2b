"""Other estimators are told what a row says, refuse in their own words, and are not needed for anything else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import estimators
from benchmarks.others import fitcheck, hf_mem
from benchmarks.others.ask import Question, ask
from benchmarks.truth.answer import Predicted, Refused
from planner.problem import ProblemError
from planner.units import MIB
from tests.benchmarks.one_row import published, raw_row

TOLD = {"total_mib": 1000.0, "overhead_mib": 300.0, "context_mib": 140.0}
ECHO = """
import json, sys
print(json.dumps({"version": "1", "answers": [{"id": q["id"], "total": q["n"]} for q in json.load(sys.stdin)]}))
"""


def weights(**changes: Any) -> dict[str, Any]:
    return {**raw_row()["weights"], **changes}


def test_fitcheck_is_told_what_its_flags_can_say() -> None:
    asked = fitcheck.question(published()).asked
    assert asked is not None
    assert asked["config"]["hidden_size"] == 576
    assert asked["config"]["architectures"] == ["LlamaForCausalLM"]
    assert asked["params"] == 134_515_008
    told = {k: v for k, v in asked.items() if k not in ("config", "params")}
    assert told == {
        "gpu": "t4", "vram_mib": 14912, "precision": "bf16", "quantization": "none", "double_quant": False,
        "task": "train", "optimizer": "adamw", "optimizer_dtype": "fp32", "batch": 2, "seq_len": 512, "rank": 8,
        "targets": ["q_proj", "v_proj"], "checkpoint": True, "flash": True, "accumulation": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"weights": weights(storage="gptq4", block_size=128)}, "gptq4"),
        ({"trainable": "dora"}, "trains with dora"),
        ({"logits": "fused"}, "a loss in pieces"),
        ({"compute_dtype": "bfloat16", "weights": weights(storage="float32")}, "another type"),
        ({"extra_trained": ["lm_head"]}, "more than the adapter"),
        ({"seq_len": None}, "length"),
        ({"model_key": None}, "no model"),
        ({"optimizer": raw_row()["optimizer"] | {"paged": True}}, "paged"),
    ],
)
def test_what_fitcheck_has_no_flag_for_is_not_put_to_it(changes: dict[str, Any], why: str) -> None:
    asked = fitcheck.question(published(**changes))
    assert asked.asked is None
    assert why in asked.cannot


@pytest.mark.parametrize(
    ("metric", "mib"),
    [
        ("allocated", 700),
        ("active", 700),
        ("unknown", 700),
        ("reserved", 860),
        ("process", 1000),
        ("device_used", 1000),
    ],
)
def test_fitchecks_figure_is_that_of_the_rows_metric(metric: str, mib: int) -> None:
    answer = fitcheck.answer(published(metric=metric).row, TOLD)
    assert isinstance(answer, Predicted)
    assert answer.expected == mib * MIB
    assert answer.expected_process == 1000 * MIB


def test_a_tools_refusal_stays_in_its_words() -> None:
    for tool in (fitcheck, hf_mem):
        assert tool.answer(published().row, {"refused": "not mine"}) == Refused("not mine")


def infer(**changes: Any) -> dict[str, Any]:
    return {
        "task": "infer", "trainable": "none", "trainable_options": None, "new_tokens": 88, "kv_cache_dtype": "float16",
    } | changes  # fmt: skip


def test_hf_mem_is_given_a_header_of_the_models_size() -> None:
    asked = hf_mem.question(published(**infer())).asked
    assert asked is not None
    assert asked["header"] == {"weights": {"dtype": "BF16", "shape": [134_515_008], "data_offsets": [0, 0]}}
    assert (asked["tokens"], asked["batch"], asked["cache"], asked["cache_dtype"]) == (600, 2, True, "bfloat16")


def test_packed_headers_hold_words_zeros_and_scales() -> None:
    packed = infer(weights=weights(storage="gptq4", block_size=128))
    header = hf_mem.header(published(**packed).row)
    tables, norms = 49152 * 576, 61 * 576  # tied; two norms in each of 30 layers, and the last
    linears = 134_515_008 - tables - norms
    assert header["rest"]["shape"] == [tables + norms]
    assert header["qweight"] == {"dtype": "I32", "shape": [linears // 8], "data_offsets": [0, 0]}
    assert header["scales"]["shape"] == [linears // 128]
    assert header["qzeros"]["shape"] == [linears // 128 // 8]


def test_hf_mem_is_not_asked_for_training_or_casts() -> None:
    assert hf_mem.question(published()).cannot == "it has no training"
    assert "nf4" in hf_mem.question(published(**infer(weights=weights(storage="nf4")))).cannot


def test_a_tool_answers_in_a_process_of_its_own(tmp_path: Path) -> None:
    side = tmp_path / "echo_side.py"
    side.write_text(ECHO, encoding="utf-8")
    told = ask(Path(sys.executable), side, [Question("a", {"n": 1}), Question("b", None, "cannot")])
    assert told == ("1", {"a": {"id": "a", "total": 1}})
    side.write_text("raise SystemExit('no such thing')", encoding="utf-8")
    with pytest.raises(ProblemError, match="no such thing"):
        ask(Path(sys.executable), side, [])


def test_an_absent_tool_is_passed_over_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(estimators, "RESULT", tmp_path / "estimators.json")
    rows = tmp_path / "rows.jsonl"
    rows.write_text("", encoding="utf-8")
    absent = {tool.name: tmp_path / "python" for tool in estimators.TOOLS}
    assert estimators.results(rows, absent)["tools"] == {}
    assert capsys.readouterr().out.count("is passed over. There is no") == len(estimators.TOOLS)
