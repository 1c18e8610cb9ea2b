"""What a worker is asked to do beside training: small frozen specs with JSON both ways.

A training job's spec is `planner.run.spec.RunSpec`. Every spec.json names its `job`; the worker picks by that word.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from planner import strict_json
from planner.atomic_file import write_atomically
from planner.facts.mapping import UNMAPPED, Mapping
from planner.problem import fail
from planner.run import layout
from planner.schedule import Schedule
from planner.strict_json import DamagedError


@dataclass(frozen=True)
class ScanSpec:
    """Count the tokens of every row of the file `data`, read with `mapping`, as the tokenizer and chat template in the
    folder `model` make them.

    The result is RUNDIR/lengths.json in the form of `planner.facts.lengths`, and is kept where that module finds it.
    """

    job: ClassVar[str] = "scan"
    model: str
    data: str
    mapping: Mapping = UNMAPPED


@dataclass(frozen=True)
class FirstBatchSpec:
    """Make the first micro-batch that a run with this `schedule` would train on, as its trainer collates it, without weights.

    The result is RUNDIR/first_batch.json, a `planner.run.results.FirstBatch`.
    """

    job: ClassVar[str] = "first_batch"
    model: str
    data: str
    schedule: Schedule
    mapping: Mapping = UNMAPPED


@dataclass(frozen=True)
class ConvertSpec:
    """Turn the quantised `gguf` file into a folder `target` of bfloat16 safetensors with tokenizer, all or nothing."""

    job: ClassVar[str] = "convert"
    gguf: str
    target: str


@dataclass(frozen=True)
class DownloadSpec:
    """Fetch the model `name` from the Hub into the Hugging Face cache: the only job that goes online, and only when asked.

    look: only say what would be fetched, as a `planner.run.transfer.Offer` in RUNDIR/offer.json. revision: the state of
    the page that was looked at and agreed to; empty for the newest.
    """

    job: ClassVar[str] = "download"
    name: str
    look: bool = True
    revision: str = ""


Job = ScanSpec | FirstBatchSpec | ConvertSpec | DownloadSpec
JOBS: dict[str, type[Any]] = {t.job: t for t in (ScanSpec, FirstBatchSpec, ConvertSpec, DownloadSpec)}


def job_to_json(job: Job) -> dict[str, Any]:
    return {"job": job.job, **strict_json.plain(job)}


def job_from_json(value: Any) -> Job:
    """Raises ProblemError `spec.damaged`."""
    try:
        found = dict(strict_json.mapping(value, "spec"))
        name = found.pop("job", None)
        if not isinstance(name, str) or name not in JOBS:
            raise DamagedError(f"spec.job is {strict_json.shown(name)}; known are {', '.join(sorted(JOBS))}")
        return strict_json.record(JOBS[name], found, "spec")  # type: ignore[no-any-return]
    except DamagedError as damage:
        raise fail("spec.damaged", f"The job's spec is damaged: {damage}.", "Start the job again.") from None


def write_job(run_dir: Path, job: Job) -> None:
    """Make the run's folder with its spec.json. Raises ProblemError `file.not_written`."""
    write_atomically(run_dir / layout.SPEC, strict_json.render(job_to_json(job)))
