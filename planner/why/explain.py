"""Why did it run out? The ledger of that run, the moment, and the smallest change, from a text that somebody pasted.

Pure: a text, and perhaps an open plan and this computer, make one `Explanation`. What text and ledger do not agree on is
said; nothing is fetched, opened or run. Whatever the text holds, nothing is raised.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from planner.advise import Change, advise
from planner.estimate import Estimate, Tier, Verdict, device_of, estimate
from planner.facts.machine import Device, MachineFacts
from planner.ledger import DISK, HOST
from planner.plan import Plan
from planner.problem import Problem
from planner.units import GIB, words
from planner.why import sentences
from planner.why.agreement import disagreements, moved_by, when
from planner.why.as_plan import run_of
from planner.why.asked_for import what_was_asked
from planner.why.beside import Beside
from planner.why.card import machine_of
from planner.why.command import Command, read_command
from planner.why.moment import Moment, full_logits_seen, read_moment
from planner.why.reading import Reading, read_error
from planner.why.text import read

WORTH_SAYING = 0.05  # of the peak
FROM_COMMAND, FROM_OPEN = "command", "open"
NOTHING = Problem(
    "why.nothing_found",
    "The text holds neither an out-of-memory error nor a command that trains.",
    "Paste the error with its traceback, and if you have it the command that started the run.",
)
EMPTY = Problem(
    "why.empty", "There is no text.", "Paste the error, its traceback, or the command that started the run."
)
UNKNOWN_MACHINE = MachineFacts(
    "a computer with a card of unknown size", "", "CPU", 8, 64 * GIB, 64 * GIB, 0, 500 * GIB,
    (Device("cuda:0", "cuda", "Card of unknown size", 0, 0), Device("cpu", "cpu", "CPU", 64 * GIB, 64 * GIB)),
    notes=("The text does not say how large the card is.",),
)  # fmt: skip


@dataclass(frozen=True)
class Explanation:
    """All that can be said. plan: the run's, on the machine that it really had; plan_from: command or open, empty for
    none. happened: what the text says itself; ledger: what the figures say; disagrees: where the two do not meet;
    beside: what is not in the figures; missing: what would be needed for more. changes: the smallest first. problem: set
    where the text holds nothing to explain."""

    headline: str
    happened: tuple[str, ...] = ()
    ledger: tuple[str, ...] = ()
    disagrees: tuple[str, ...] = ()
    beside: tuple[Beside, ...] = ()
    missing: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    reading: Reading | None = None
    moment: Moment | None = None
    command: Command | None = None
    plan: Plan | None = None
    plan_from: str = ""
    estimate: Estimate | None = None
    problem: Problem | None = None


def explain(
    pasted: str, open_plan: Plan | None = None, here: MachineFacts | None = None, *, its_own: bool = False
) -> Explanation:
    """Everything about the run of this text. open_plan: explained where the text has no command, and its_own says that it
    is known to be the plan of this very run; here: the computer that is taken where no error says which card it was."""
    if not pasted.strip():
        return Explanation("Nothing to explain yet.", problem=EMPTY)
    text = read(pasted)
    reading, command = read_error(text), read_command(text)
    if reading is None and command is None:
        return Explanation("Nothing to explain here.", problem=NOTHING)
    moment = read_moment(text, reading.line) if reading else None
    said = Explanation(
        sentences.headline(reading, moment),
        happened=sentences.happened(reading, moment) if reading else (),
        reading=reading,
        moment=moment,
        command=command,
    )
    card = machine_of(reading, text) if reading else None
    missing: tuple[str, ...] = ()
    if command is not None:
        machine = card or _assumed(reading, here)
        full_logits = reading is not None and full_logits_seen(text, reading.line)
        run = run_of(command, machine, full_logits=full_logits)
        told = run.told if card else (*run.told, f"The text names no card: planned for {machine.name}.")
        missing = run.missing
        if run.plan is not None:
            plan = _as_it_had(run.plan, reading, None)
            return _with_ledger(replace(said, plan=plan, plan_from=FROM_COMMAND, beside=run.beside, ledger=told))
    if open_plan is not None and reading is not None:
        plan = _as_it_had(open_plan, reading, card)
        which = f"the plan of the run that failed, {open_plan.name}."
        if not its_own:
            which = f"the open plan, {open_plan.name}: it may not be the run that failed."
        told = (*missing, f"Explained by {which}")
        return _with_ledger(replace(said, plan=plan, plan_from=FROM_OPEN, ledger=told))
    if command is None:
        missing = (
            "The text has no command line that trains, and no plan is open: with either, the ledger can be drawn.",
        )
    return replace(said, missing=missing)


def _assumed(reading: Reading | None, here: MachineFacts | None) -> MachineFacts:
    """The machine of a run whose text does not say: this one, unless it has no card and the error is a card's."""
    of_a_card = reading is not None and reading.kind in (
        "cuda",
        "hip",
        "xpu",
        "mps",
        "bare",
        "library",
        "dispatched",
        "vllm",
    )
    if here is None or (of_a_card and all(d.kind == "cpu" for d in here.devices)):
        return UNKNOWN_MACHINE
    return here


def _as_it_had(plan: Plan, reading: Reading | None, card: MachineFacts | None) -> Plan:
    """The plan with as much memory as its run really had. card: of the error, in place of the plan's own device."""
    machine = plan.machine
    if card is not None:
        device = device_of(plan)
        ours = card.devices[0]
        known = device is not None and device.kind == ours.kind
        if known and device is not None:
            like = replace(device, total_bytes=ours.total_bytes, free_bytes=ours.free_bytes, others=ours.others)
            machine = replace(machine, devices=tuple(like if d.id == device.id else d for d in machine.devices))
        else:
            from planner.presets import default_plan
            from planner.slots import Slot

            placed = default_plan(plan.model, plan.data, card).stage.choice(Slot.PLACEMENT)
            assert placed is not None
            plan, machine = plan.with_choice(placed), card
    if reading is not None and reading.kind == "killed" and reading.process:
        machine = replace(machine, ram_available_bytes=min(machine.ram_available_bytes, reading.process))
        cpus = (
            replace(d, free_bytes=min(d.free_bytes, reading.process)) if d.kind == "cpu" else d for d in machine.devices
        )
        machine = replace(machine, devices=tuple(cpus))
    return replace(plan, machine=machine)


def _with_ledger(said: Explanation) -> Explanation:
    plan, reading = said.plan, said.reading
    assert plan is not None
    result = estimate(plan)
    if not result.tiers:
        return replace(said, estimate=result, missing=(*said.missing, result.reason))
    tier = _place_of(result, reading)
    ledger = [*said.ledger, result.reason if tier is result.tiers[0] else f"{result.reason} {_at_peak(tier)}"]
    moved = moved_by(said.beside)
    if moved and abs(moved) >= tier.live_bytes * WORTH_SAYING:
        whole = words(max(0, tier.live_bytes + moved))
        ledger.append(
            f"With the settings beside these figures, as far as their bytes are computed, the live peak would be about "
            f"{whole} instead of {words(tier.live_bytes)}."
        )
    if reading is not None and reading.asked and (what := what_was_asked(plan, reading.asked)):
        ledger.append(f"What was asked for, {words(reading.asked)}, is {what}.")
    return replace(
        said,
        estimate=result,
        ledger=tuple(ledger),
        disagrees=disagreements(reading, said.moment, said.beside, result, tier),
        changes=_changes(plan, result, tier, reading),
    )


def _place_of(result: Estimate, reading: Reading | None) -> Tier:
    """The tier that ran out: the computer's memory for errors of the host, else where the plan computes."""
    if reading is not None and reading.kind in ("cpu", "numpy", "killed"):
        return next((t for t in result.tiers if t.place == HOST), result.tiers[0])
    return result.tiers[0]


def _at_peak(tier: Tier) -> str:
    return f"{tier.name} needs {words(tier.peak_bytes)} at its peak{when(tier.peak_at)}."


def _changes(plan: Plan, result: Estimate, tier: Tier, reading: Reading | None) -> tuple[Change, ...]:
    """What would have fitted. Where the figures say that the run fitted, a change has to save at least what was missing."""
    if result.verdict is not Verdict.FITS:
        return advise(plan, result)
    if reading is None or tier.place == DISK:
        return ()
    asked, there = reading.asked or 0, reading.free or 0
    missing = asked - there if asked > there else max(asked, 1)  # more was free than asked for, but in pieces
    free = max(0, tier.high_bytes - missing)
    machine = plan.machine
    if tier.place == HOST:
        machine = replace(machine, ram_available_bytes=min(free, machine.ram_available_bytes))
    device = device_of(plan)
    devices = tuple(
        replace(d, free_bytes=min(d.free_bytes, free)) if device and d.id == device.id else d for d in machine.devices
    )
    tighter = replace(plan, machine=replace(machine, devices=devices))
    ways = (c for c in advise(tighter, estimate(tighter)) if c.saves_bytes >= missing)
    return tuple(replace(c, plan=replace(c.plan, machine=plan.machine)) for c in ways)
