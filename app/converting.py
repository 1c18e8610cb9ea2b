"""A GGUF file becomes a folder that can be trained, once: what that takes, whether it was done, and doing it by a worker.

The folder is named after the file's own sum, so that a file under another name is not converted again. Qt-free; nothing
is started before it was asked for.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from planner.facts.model.folder import read_folder
from planner.facts.model.gguf import why_not_converted
from planner.facts.model.gguf_header import read_gguf_header
from planner.facts.model.gguf_parts import parts_of, plain_name
from planner.probe import machine
from planner.problem import Problem, ProblemError, fail
from planner.run import journal, layout, lock
from planner.run.events import Failed, Finished, Note, Phase, Step
from planner.run.folders import new_work_dir
from planner.run.home import converted_dir
from planner.run.jobs import ConvertSpec, write_job
from planner.run.start import start
from planner.units import MIB, words

LOOK_EVERY_S = 0.1
PIECE_BYTES = 8 * MIB
TOKENIZER_BYTES = 16 * MIB
LIBRARIES_BYTES = 300 * MIB
Progress = Callable[[str, int, int], None]  # (what is going on, done, of): bytes or steps; of = 0 when not known


@dataclass(frozen=True)
class Conversion:
    """What one file becomes. disk_bytes: of the folder. memory_bytes: at most while it is made; of the embedded model
    881 MiB are said, and 749 were measured."""

    gguf: Path
    target: Path
    disk_bytes: int
    memory_bytes: int
    done: bool

    @property
    def sentence(self) -> str:
        return (
            f"{self.gguf.name} is turned into a folder that can be trained, once: it takes {words(self.disk_bytes)} in "
            f"{self.target.parent}, and about {words(self.memory_bytes)} of memory while it is made."
        )


def conversion_of(gguf: Path, progress: Progress) -> Conversion:
    """What converting takes. Reads the whole file once, for its sum. Raises ProblemError `gguf.*`, `model.*`."""
    parts = parts_of(gguf)
    if because := why_not_converted(gguf):
        raise fail("gguf.not_converted", because, "Choose the model's safetensors version to run it.")
    tensors = [t for part in parts for t in read_gguf_header(part).tensors.values()]
    values, largest = sum(t.elements for t in tensors), max((t.elements for t in tensors), default=0)
    target = converted_dir() / f"{plain_name(parts[0])}-{_sum(parts, progress)[:16]}"
    joined = sum(p.stat().st_size for p in parts) if len(parts) > 1 else 0
    disk = 2 * values + TOKENIZER_BYTES + joined
    # values of the file and of the model in bfloat16; or, before the model, the largest tensor unpacked twice and packed
    memory = max(4 * values, 2 * values + 12 * largest) + LIBRARIES_BYTES
    return Conversion(parts[0], target, disk, memory, is_whole(target))


def is_whole(folder: Path) -> bool:
    try:
        read_folder(folder)
    except ProblemError:
        return False
    return True


def _sum(parts: tuple[Path, ...], progress: Progress) -> str:
    digest = hashlib.sha256()
    of, done = sum(p.stat().st_size for p in parts), 0
    try:
        for part in parts:
            with part.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    digest.update(piece)
                    done += len(piece)
                    progress(f"Reading {part.name}", done, of)
    except OSError as error:
        raise fail(
            "gguf.file_unreadable", f"{parts[0]}: {error.strerror}.", "Check that the file is still there."
        ) from None
    return digest.hexdigest()


def convert(asked: Conversion, progress: Progress) -> Path:
    """The folder, made now where it is not there. Raises ProblemError `gguf.*`, `disk.full`, `worker.*`, `memory.out`."""
    if not asked.done:
        _check_room(asked)
        folder = new_work_dir("convert")
        try:
            follow_conversion(folder, asked.gguf, asked.target, progress)
        finally:
            if not lock.is_held(folder):
                shutil.rmtree(folder, ignore_errors=True)
    return asked.target


def _check_room(asked: Conversion) -> None:
    place = asked.target.parent
    there = next((p for p in (place, *place.parents) if p.exists()), place)
    free = shutil.disk_usage(there).free
    if free < asked.disk_bytes:
        raise fail(
            "disk.full",
            f"The converted model takes {words(asked.disk_bytes)}, and {words(free)} are free in {there}.",
            "Free some space, or set PLIMSOLL_HOME to a folder on another disk.",
        )
    memory = machine().host_free_bytes
    if 0 < memory < asked.memory_bytes:
        raise fail(
            "gguf.no_memory",
            f"Converting needs about {words(asked.memory_bytes)} of memory, and {words(memory)} are free.",
            "Close other programs, or choose the model's safetensors version, which needs no conversion.",
        )


def follow_conversion(run_dir: Path, gguf: Path, target: Path, progress: Progress) -> None:
    """Have a worker convert, and follow its journal; one that is already at it is followed too."""
    offset = 0
    if not lock.is_held(run_dir):
        shutil.rmtree(run_dir, ignore_errors=True)
        write_job(run_dir, ConvertSpec(gguf=str(gguf), target=str(target)))
        start(run_dir)
    what, done, of = "Converting the model", 0, 0
    while True:
        alive = lock.is_held(run_dir)  # asked before reading: what was written before the end is then read
        reading = journal.read(run_dir, offset, over=not alive)
        offset = reading.offset
        for event in reading.events:
            match event:
                case Finished():
                    progress("Converting the model", 1, 1)
                    return
                case Failed(problem=problem):
                    raise ProblemError(problem)
                case Step(step=step, total_steps=total):
                    done, of = step, total
                case Phase(detail=detail):
                    what = f"Converting the model: {detail}" if detail else what
                case Note(text=text):
                    what = f"Converting the model: {text}"
                case _:
                    pass
        if not alive:
            said = f" {layout.LOG} in {run_dir} holds what it printed."
            died = lock.died(run_dir)
            raise ProblemError(Problem(died.code, died.fact, f"Try again.{said}"))
        progress(what, done, of)
        time.sleep(LOOK_EVERY_S)
