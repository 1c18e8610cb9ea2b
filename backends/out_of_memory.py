"""The Problem of a run whose memory ran out, and its figures: where it stood, what was asked, what was free, who held it.

The moment comes from the meter and the traceback, the tensors from the plan's own ledger at that moment, the sizes from
the error's words (`planner.why` knows those of every library) and from the system. The smallest change is searched with
as much memory as the run really had. Nothing here needs torch. What is said of a card is read from torch's words and was
never seen on one.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import psutil

from backends.failure import chain, first_line
from backends.meter import Meter, Track
from backends.report import Report
from backends.room import Room, room
from planner.estimate import Estimate, estimate
from planner.ledger import MOMENTS, At
from planner.plan import Plan
from planner.probe.holders import host_processes, largest
from planner.problem import Problem
from planner.run import checkpoints
from planner.run.retry import Retry, smallest
from planner.run.shortage import ASKED, CODE, LARGEST, Shortage, to_details
from planner.timeline import FIRST, LATER
from planner.units import words
from planner.why.asked_for import what_was_asked
from planner.why.moment import read_moment
from planner.why.reading import Reading, read_error
from planner.why.text import read

OTHERWISE = "Make the batch or the length smaller on the plan page, or close other programs; then start again."
# the meter's words for a stretch of a step, as moments of the ledger
STRETCHES = {
    "forward": ("forward_end", "loss"),
    "backward": ("layer_last", "layer_first", "backward_end", "loss"),
    "update": ("update",),
}
PHASES = {"load": "load", "data": "load", "sample": "sample", "save": "save", "evaluate": "evaluate"}
PRINTED_WITHIN = 0.003
FLOAT32_BYTES = 4
NAMED = 3  # other programs in a sentence


def out_of_memory(error: BaseException, spec: Any, report: Report, meter: Meter) -> tuple[Problem, dict[str, Any]]:
    """`memory.out` for a job's error, with its details; spec may be any job's, or None.

    Called while all is still held that was held. What the frames of the error hold is given back then, to have room for
    the arithmetic.
    """
    left = room()
    text = read("".join(traceback.format_exception(error)))
    reading = read_error(text) or Reading("bare")
    plan: Plan | None = getattr(spec, "plan", None)
    on_card = reading.on_card or reading.kind == "mps" or (reading.kind == "bare" and meter.main.tier == "device")
    track = meter.main if on_card else meter.process
    short = _measured(spec, reading, report, track, left, on_card=on_card)
    for e in chain(error):
        traceback.clear_frames(e.__traceback__)
    told = read_moment(text, reading.line)
    if plan is None:
        return Problem(CODE, _fact(error, short, track), OTHERWISE), to_details(short)
    result = estimate(plan)
    at = _instant(result, report, meter, told.moments if told else ())
    short = _with_lines(short, result, at, plan)
    found = smallest(plan, short, from_step=checkpoints.latest_step(report.run_dir))
    advice = OTHERWISE
    if isinstance(found, Retry):
        short = replace(short, retry={"title": found.title, "detail": found.detail, "from_step": found.from_step})
        advice = f"Smallest change that fits what it got: {found.title}. Or close other programs, and start again."
    return Problem(CODE, _fact(error, short, track), advice), to_details(short)


def _measured(spec: Any, reading: Reading, report: Report, track: Track, left: Room, *, on_card: bool) -> Shortage:
    """What the error and the system say, before anything is looked up in a ledger."""
    said = dict(getattr(spec, "predicted", ()) or ()).get("peak_bytes")
    held = (reading.process or reading.reserved or track.last) if on_card else track.last
    if on_card:
        free, limit = reading.free or 0, reading.allowed or reading.total or 0
        whose = "the limit that was set for this process" if reading.allowed else "the card"
        holders = [(_name(pid), size) for pid, size in reading.others]
    else:
        free, limit, whose = left
        holders = host_processes(frozenset({os.getpid()}))
    return Shortage(
        phase=report.phase_name,
        step=report.step,
        tier="device" if on_card else "host",
        asked_bytes=reading.asked or 0,
        free_bytes=free,
        held_bytes=held,
        said_bytes=said if isinstance(said, int) else 0,
        limit_bytes=limit,
        limit=whose,
        holders=tuple((str(x["name"]), int(x["bytes"])) for x in largest(holders)),
    )


def _name(pid: int) -> str:
    try:
        return str(psutil.Process(pid).name())
    except psutil.Error:
        return f"process {pid}"


def _instant(result: Estimate, report: Report, meter: Meter, seen: Iterable[str]) -> At | None:
    """The ledger's instant at which the run stood. seen: moments that the traceback allows."""
    if report.phase_name == "train":
        phase = LATER if report.step else FIRST  # resumed from a checkpoint there are states from the first step on
        within = STRETCHES.get(meter.moment, ())
    else:
        phase, within = PHASES.get(report.phase_name, report.phase_name), ()
    of_phase = [at for at in result.timeline if at.phase == phase]
    both = [at for at in of_phase if at.moment in within and at.moment in seen]
    either = [at for at in of_phase if at.moment in seen] or [at for at in of_phase if at.moment in within]
    candidates = both or either or of_phase
    if not candidates or not result.tiers:
        return candidates[0] if candidates else None
    totals = dict(result.tiers[0].totals)
    return max(candidates, key=lambda at: totals.get(at, 0))


def _with_lines(short: Shortage, result: Estimate, at: At | None, plan: Plan) -> Shortage:
    """With the ledger's words for the moment, and the line that was being allocated, or the largest of those alive."""
    if at is None:
        return short
    short = replace(short, phase=at.phase, moment=at.moment)
    place = next((t.place for t in result.tiers if t.place.tier == short.tier), None)
    alive = result.at(place, at) if place is not None else ()
    asked = short.asked_bytes
    same = [x for x in alive if asked and abs(int(x.bytes) - asked) <= asked * PRINTED_WITHIN]
    if len(same) == 1:
        return replace(short, line=same[0].what, line_is=ASKED, line_bytes=int(same[0].bytes))
    if asked and (what := _logits(plan, asked, at) or what_was_asked(plan, asked)):
        return replace(short, line=what, line_is=ASKED, line_bytes=asked)
    if not alive:
        return short
    return replace(short, line=alive[0].what, line_is=LARGEST, line_bytes=int(alive[0].bytes))


def _logits(plan: Plan, asked: int, at: At) -> str:
    """The logits of a batch that need not be the longest: a whole number of rows of equal length, each token over all words."""
    rows, words_each = plan.stage.schedule.micro_batch, plan.model.vocab_size * FLOAT32_BYTES
    tokens, rest = divmod(asked, words_each)
    if at.moment != "loss" or rest or not tokens or tokens % rows or tokens // rows > plan.stage.schedule.max_length:
        return ""
    return f"the logits of {rows} × {tokens // rows:,} tokens over {plan.model.vocab_size:,} words in float32"


def _fact(error: BaseException, short: Shortage, track: Track) -> str:
    """Everything in sentences."""
    where = ", ".join(filter(None, (short.phase, MOMENTS.get(short.moment, short.moment))))
    what = f" for {short.line}" if short.line_is == ASKED else ""
    there = f"{words(short.free_bytes)} could still be had"
    within = f" of the {words(short.limit_bytes)} of {short.limit}" if short.limit_bytes else ""
    if short.asked_bytes:
        asked = f"{words(short.asked_bytes)} were asked for{what}, and {there}{within}."
    else:
        asked = f"{first_line(error).rstrip('.')}. {there[0].upper()}{there[1:]}{within}."
    largest_line = f"Largest then: {short.line}, {words(short.line_bytes)}." if short.line_is == LARGEST else ""
    facts = [
        f"Memory ran out in {where}: {asked}" if where else f"Memory ran out: {asked}",
        f"We said {words(short.said_bytes)}." if short.said_bytes else "",
        f"It held {words(max(short.held_bytes, track.peak))} at the most.",
        largest_line,
        _others(short),
    ]
    return " ".join(filter(None, facts))


def _others(short: Shortage) -> str:
    if not short.holders:
        return ""
    who = ", ".join(f"{name} {words(size)}" for name, size in short.holders[:NAMED])
    return f"What other programs hold: {who}."
