"""`plimsoll watch`: the memory of a running process, line by line, beside what a plan says. It only looks."""

from __future__ import annotations

import argparse
import time

from app.cli import output, plan_source
from app.cli.exits import Exit, WrongUseError
from app.pages.run.state import Said
from app.pages.watch.state import WatchRecord, said_of_plan
from planner.estimate import estimate
from planner.presets import preset_names
from planner.probe.process import Watched
from planner.problem import ProblemError
from planner.units import words

HELP = "draw the memory of a running process against a plan"
READ_EVERY_S = 0.2
TELL_EVERY_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pid", type=int, metavar="PID", help="the number of the process")
    parser.add_argument("--plan", metavar="PLAN", help="a plan file (JSON) to hold it against")
    parser.add_argument("--preset", metavar="NAME", help=f"or a preset: {', '.join(preset_names())}")
    parser.add_argument("--set", action="append", default=[], dest="changes", metavar="WHAT=VALUE", help="as in `plan`")
    parser.add_argument("--seconds", type=_seconds, metavar="N", help="look for so long; without it until it ends")
    parser.add_argument("--children", action="store_true", help="add up the processes that it started")
    parser.add_argument("--json", action="store_true", help="the readings, one JSON object a line")


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r:.40} is not a number of seconds")
    return found


def run(given: argparse.Namespace) -> Exit:
    named = given.plan or given.preset or given.changes
    said = said_of_plan(estimate(plan_source.plan_from(given))) if named else Said()
    process = _watched(given.pid)
    record = WatchRecord(
        pid=process.pid, name=process.name, command=process.command, figures=said, children=given.children
    )
    record.begin(time.time())
    if not given.json:
        output.remark(f"{record.title()}: {record.command}")
    try:
        _follow(record, process, given)
    except KeyboardInterrupt:
        output.remark("No longer looked at; the process goes on.")
    _tell_end(record, given)
    return Exit.OK


def _watched(pid: int) -> Watched:
    try:
        return Watched(pid)
    except ProblemError as error:
        if error.problem.code == "watch.no_such_process":
            raise WrongUseError(error.problem) from None
        raise


def _follow(record: WatchRecord, process: Watched, given: argparse.Namespace) -> None:
    """Read until it ends or the time is over, and say every second what it holds."""
    began = time.monotonic()
    told = -TELL_EVERY_S
    while given.seconds is None or time.monotonic() - began < given.seconds:
        try:
            record.take(process.read(children=record.children), time.time())
        except ProblemError as error:
            if error.problem.code != "watch.has_ended":
                raise
            record.end()
            return
        if record.seconds - told >= TELL_EVERY_S:
            told = record.seconds
            _tell(record, given)
        time.sleep(READ_EVERY_S)


def _tell(record: WatchRecord, given: argparse.Namespace) -> None:
    if given.json:
        output.line(output.json_text(_figures(record)))
    else:
        output.line(f"{record.seconds:7.0f} s   {words(record.held_bytes):>9}   highest {words(record.peak_bytes)}")


def _tell_end(record: WatchRecord, given: argparse.Namespace) -> None:
    if given.json:
        remark = record.remark() if record.figures.expected else ""
        ending = {"ended": not record.live, "sentence": record.sentence(), "remark": remark}
        output.line(output.json_text(_figures(record) | ending))
        return
    output.line(record.sentence())
    if record.figures.expected:
        output.line(record.remark())


def _figures(record: WatchRecord) -> dict[str, object]:
    said = record.said
    return {
        "pid": record.pid,
        "seconds": round(record.seconds, 2),
        "tier": record.tier,
        "bytes": record.held_bytes,
        "highest_bytes": record.peak_bytes,
        "host_bytes": record.host_bytes,
        "device_bytes": record.device_bytes if record.tells_device else None,
        "processes": record.processes,
        "said": {"low": said.low, "expected": said.expected, "high": said.high} if said.expected else None,
    }
