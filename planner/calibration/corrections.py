"""From observations to corrections: for each device and term the median over its runs, with how far they lie apart.

A CPU has one counter, the whole process. What is left open there is parted as the two things it may come of were open
before: the context, which no size moves, and what grows with live tensors. Else a run of a large model would move small
ones by what is a hundredth of its own. A card's three counters part it: allocated against the activations, reserved less allocated against the allocator, the process less reserved
against the context. A proof also tells of its own plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median_low

from planner.calibration.correction import ACTIVATIONS, ALLOCATOR, CONTEXT, PER, POWER, PROOF, SPEED, Correction
from planner.calibration.observation import PROOF as OF_A_PROOF
from planner.calibration.observation import Observation, predicting_version, timing_version
from planner.calibration.said import name_of
from planner.reserved import band


def counted(
    observations: Iterable[Observation], now: Mapping[str, str]
) -> tuple[tuple[Observation, ...], tuple[tuple[Observation, str], ...]]:
    """Those that count, and the others with why they do not. now: the version of each library as installed."""
    counts: list[Observation] = []
    others: list[tuple[Observation, str]] = []
    for one in observations:
        if changed := _changed(one.versions, now):
            others.append((one, f"does not count: it ran with {changed}"))
        elif one.predicted_by != predicting_version():
            others.append((one, "does not count: another version of this program predicted it"))
        else:
            counts.append(one)
    return tuple(counts), tuple(others)


def _changed(then: Iterable[tuple[str, str]], now: Mapping[str, str]) -> str:
    """`torch 2.12.0, now 2.13.0`; empty where nothing changed."""
    return ", ".join(f"{name} {v}, now {now.get(name, 'missing')}" for name, v in then if now.get(name) != v)


def corrections_from(observations: Sequence[Observation], forgotten: Iterable[str] = ()) -> tuple[Correction, ...]:
    """What these come to, without those that a person has taken away. No observations, no corrections."""
    found: list[Correction] = []
    for device in dict.fromkeys(x.device for x in observations):
        of_device = [x for x in observations if x.device == device]
        found += [c for c in (_context(of_device), _allocator(of_device), _activations(of_device)) if c]
        found += [c for c in (_speed(of_device), _power(of_device)) if c]
        found += _proofs([x for x in of_device if x.kind == OF_A_PROOF])
    away = frozenset(forgotten)
    return tuple(c for c in found if name_of(c) not in away)


def _context(of_device: Sequence[Observation]) -> Correction | None:
    left_open = []
    for x in of_device:
        if not x.process_bytes:
            continue
        amount = x.process_bytes - x.reserved_bytes - x.context_bytes if x.reserved_bytes else _parted(x)[0]
        left_open.append((x.name, amount))
    return _median(CONTEXT, of_device, left_open)


def _parted(x: Observation) -> tuple[int, int]:
    """What is left open of a process whose device is the computer itself: bytes of the context, and for each 10,000
    live ones. Together they come to all of it."""
    left_open = x.process_bytes - x.live_bytes - x.allocator_bytes - x.context_bytes
    of_all = band(x.device.partition(" ")[0], recompute=False)
    end = 2 if left_open > 0 else 0
    fixed, growing = (abs(int(part[end] - part[1])) for part in (of_all.context_bytes, of_all.allocator(x.live_bytes)))
    share = left_open * growing // max(1, fixed + growing) * PER // max(1, x.live_bytes)
    return left_open - x.live_bytes * share // PER, share


def _allocator(of_device: Sequence[Observation]) -> Correction | None:
    left_open = []
    for x in of_device:
        if x.reserved_bytes and x.allocated_bytes:
            kept = x.reserved_bytes - x.allocated_bytes - x.allocator_bytes
            left_open.append((x.name, kept * PER // max(1, x.live_bytes)))
        elif x.process_bytes and not x.reserved_bytes:
            left_open.append((x.name, _parted(x)[1]))
    return _median(ALLOCATOR, of_device, left_open)


def _activations(of_device: Sequence[Observation]) -> Correction | None:
    left_open = [
        (x.name, (x.allocated_bytes - x.live_bytes) * PER // x.grows_bytes)
        for x in of_device
        if x.allocated_bytes and x.grows_bytes
    ]
    return _median(ACTIVATIONS, of_device, left_open)


def _speed(of_device: Sequence[Observation]) -> Correction | None:
    """How much longer steps take than is said, whatever is trained."""
    now = timing_version()
    took = [(x.name, round(x.took_s * PER / x.said_s)) for x in of_device if x.said_s > 0 and x.timed_by == now]
    return _median(SPEED, of_device, took)


def _power(of_device: Sequence[Observation]) -> Correction | None:
    return _median(POWER, of_device, [(x.name, round(1000 * x.watts)) for x in of_device if x.watts > 0])


def _median(term: str, of_device: Sequence[Observation], left_open: Sequence[tuple[str, int]]) -> Correction | None:
    if not left_open:
        return None
    amounts = [amount for _, amount in left_open]
    names = tuple(name for name, _ in left_open)
    return Correction(term, of_device[0].device, median_low(amounts), min(amounts), max(amounts), names)


def _proofs(proved: Sequence[Observation]) -> list[Correction]:
    """One for each plan that was proved."""
    found = []
    for plan in dict.fromkeys(x.plan for x in proved):
        of_plan = [x for x in proved if x.plan == plan]
        took = [x.process_bytes or x.reserved_bytes + x.context_bytes for x in of_plan]
        names = tuple(x.name for x in of_plan)
        found.append(Correction(PROOF, of_plan[0].device, max(took), min(took), max(took), names, plan))
    return found
