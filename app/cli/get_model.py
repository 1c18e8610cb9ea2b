"""`plimsoll get-model NAME`: fetches a model from the Hub. Its size is said first; nothing is fetched without `--yes` or a yes.

Ctrl-C ends it and keeps what came; the same command goes on from there. The login is huggingface's own.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from app.cli import output
from app.cli.exits import Exit, wrong_use
from app.cli.followed import followed
from planner.problem import ProblemError
from planner.run import lock
from planner.run.events import Phase
from planner.run.folders import new_work_dir
from planner.run.jobs import DownloadSpec, write_job
from planner.run.results import load
from planner.run.start import missing_train_extra, start
from planner.run.transfer import OFFER, Offer, is_name, moved

HELP = "fetch a model from the Hub (says the size first)"
TELL_EVERY_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="its name on the Hub, owner/model")
    parser.add_argument("--yes", action="store_true", help="fetch it without asking")
    parser.add_argument(
        "--json", action="store_true", help="what would be fetched, or where it lies, as one JSON object"
    )


def run(given: argparse.Namespace) -> Exit:
    if not is_name(given.name):
        raise wrong_use("download.not_a_name", f"{given.name!r:.120} is not a name on the Hub.", "Give owner/model.")
    if problem := missing_train_extra():
        raise ProblemError(problem)
    looked = carried_out(DownloadSpec(given.name, look=True))
    assert isinstance(looked, Offer)
    output.remark(looked.sentence)
    output.remark(looked.listed)
    if not given.yes and not _agreed():
        if given.json:
            output.line(output.json_text(_as_json(looked, "")))
        output.remark("Nothing was fetched. Give --yes to fetch it.")
        return Exit.OK
    folder = carried_out(DownloadSpec(given.name, look=False, revision=looked.revision))
    if folder is None:
        return Exit.FAILED
    output.line(output.json_text(_as_json(looked, str(folder))) if given.json else str(folder))
    return Exit.OK


def _agreed() -> bool:
    """A person at a terminal is asked; a script has to say it beforehand."""
    if not sys.stdin.isatty():
        return False
    output.remark("Fetch it? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _as_json(offer: Offer, folder: str) -> dict[str, object]:
    return {
        "name": offer.name,
        "bytes": offer.bytes,
        "left_bytes": offer.left_bytes,
        "free_bytes": offer.free_bytes,
        "files": [{"name": f.name, "bytes": f.bytes} for f in offer.files],
        "path": folder,
    }


def carried_out(spec: DownloadSpec) -> Offer | Path | None:
    """What a worker found or fetched; None where it was stopped. Raises ProblemError `download.*`, `worker.*`."""
    folder = new_work_dir("download")
    try:
        write_job(folder, spec)
        start(folder)
        word = followed(folder, _telling(), "Asked the download to stop; what came is kept.")
        if word.outcome != "done":
            output.remark(word.sentence)
            return None
        return load(Offer, folder / OFFER) if spec.look else Path(word.adapter)
    finally:
        if not lock.is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _telling() -> Callable[[Phase], None]:
    """Tells how far it is, now and then."""
    told = time.monotonic()

    def tell(event: Phase) -> None:
        nonlocal told
        if (found := moved(event.detail)) and time.monotonic() - told > TELL_EVERY_S:
            told = time.monotonic()
            output.remark(found.sentence)

    return tell
