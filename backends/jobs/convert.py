"""Turns a quantised GGUF file into an ordinary folder of bfloat16 safetensors, once, so that no run has to wait for it.

The folder appears whole or not at all. Reading a GGUF file takes transformers some fifteen seconds, most of it in
Python over the tokenizer's words.
"""

from __future__ import annotations

from pathlib import Path

from backends import checkpoint
from backends.failure import first_line, is_disk_full, is_out_of_memory
from backends.gguf_join import join
from backends.meter import Meter
from backends.report import Report
from planner.facts.model.gguf_parts import parts_of
from planner.problem import fail
from planner.run import events
from planner.run.jobs import ConvertSpec
from planner.units import words


def run(spec: ConvertSpec, report: Report, meter: Meter) -> events.Finished:
    """Raises ProblemError `gguf.not_found`, `gguf.not_readable`, `model.shard_missing`, `disk.full`."""
    gguf, target = Path(spec.gguf), Path(spec.target)
    report.started()
    meter.start()
    _check(gguf)
    parts = parts_of(gguf)
    report.phase("load", "libraries")  # only now: they take seconds, and a wrong file is told at once
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    joined: Path | None = None
    try:
        if len(parts) > 1:
            report.phase("convert", f"joining {len(parts)} parts")
            target.parent.mkdir(parents=True, exist_ok=True)
            joined = gguf = target.with_name(f".{target.name}.joined.gguf")
            join(parts, joined)
        report.phase("convert", "reading the tokenizer")
        tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name, local_files_only=True)
        report.phase("convert", "reading the weights")
        model = AutoModelForCausalLM.from_pretrained(
            str(gguf.parent),
            gguf_file=gguf.name,
            dtype=torch.bfloat16,
            quantization_config=GgufConfig(dequantize=True),  # else they may stay packed, which cannot be saved
            local_files_only=True,
        )
    except Exception as error:
        if is_out_of_memory(error) or is_disk_full(error):
            raise
        raise fail(
            "gguf.not_readable", f"{parts[0].name} cannot be read: {first_line(error)}", "Fetch the file again."
        ) from error
    finally:
        if joined is not None:
            joined.unlink(missing_ok=True)
    report.phase("convert", "writing")

    def fill(folder: Path) -> None:
        model.save_pretrained(str(folder))
        tokenizer.save_pretrained(str(folder))

    checkpoint.write_whole(target, fill, if_full="The model could not be written.")
    size = sum(p.stat().st_size for p in target.iterdir())
    return report.ending(str(target), checkpoint.sha256_of_weights(target), f"{target.name} takes {words(size)}.")


def _check(gguf: Path) -> None:
    try:
        with gguf.open("rb") as file:
            mark = file.read(4)
    except OSError as error:
        raise fail(
            "gguf.not_found", f"{str(gguf)!r} cannot be opened: {error.strerror}.", "Choose a .gguf file."
        ) from None
    if mark != b"GGUF":
        raise fail("gguf.not_readable", f"{gguf.name} is not a GGUF file.", "Choose a .gguf file.")
