"""Runs inside FitCheck's environment: questions on standard input, its answers on standard output.

FitCheck reads `config.json` and the parameter count from the network; here both come from the question, through its own
reader, so that what it refuses is refused as it would be.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import fitcheck
from fitcheck import config_parser
from fitcheck.gpu_db import gpu_key_for
from fitcheck.overhead_db import get_overhead_profile


def main() -> None:
    questions = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        answers = [{"id": q["id"], **answer(q, Path(folder) / "config.json")} for q in questions]
    json.dump({"version": fitcheck.__version__, "answers": answers}, sys.stdout)


def answer(question: dict[str, Any], file: Path) -> dict[str, Any]:
    file.write_text(json.dumps(question["config"]), encoding="utf-8")
    config_parser.hf_hub_download = lambda **_: str(file)
    config_parser._reported_param_count = lambda *_: question["params"]
    try:
        model = fitcheck.fetch_model_config("as/published")
        gpu = fitcheck.get_gpu(question["gpu"]) if question["gpu"] else fitcheck.get_gpu(None, question["vram_mib"])
        flash = question.get("flash", False)
        if question["task"] == "infer":
            serving = fitcheck.ServingConfig(
                precision=question["precision"],
                quantization=question["quantization"],
                double_quant=question["double_quant"],
                seq_len=question["seq_len"],
                num_concurrent=question["batch"],
            )
            report = fitcheck.estimate_inference(model, serving, gpu)
            profile = get_overhead_profile(gpu_key_for(gpu), flash_attn=False)
        else:
            training = fitcheck.TrainingConfig(
                precision=question["precision"],
                quantization=question["quantization"],
                double_quant=question["double_quant"],
                optimizer=question["optimizer"],
                optimizer_dtype=question["optimizer_dtype"],
                batch_size=question["batch"],
                seq_len=question["seq_len"],
                lora_rank=question["rank"],
                lora_targets=question["targets"],
                grad_checkpoint=question["checkpoint"],
                flash_attn=flash,
                grad_accum_steps=question["accumulation"],
            )
            report = fitcheck.estimate(model, training, gpu)
            profile = get_overhead_profile(gpu_key_for(gpu), flash, question["quantization"])
    except (ValueError, RuntimeError) as error:
        return {"refused": str(error).replace("\n", " ")}
    return {
        "total_mib": report.total_mib,
        "overhead_mib": report.overhead_mib,
        "context_mib": profile.base_context_mib,
    }


if __name__ == "__main__":
    main()
