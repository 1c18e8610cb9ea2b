"""The queue: runs that start one after the other, each when the memory that it needs is free.

What a run needs and how it is to go lies in the run's own folder (`queued.json`), so a run that is moved or removed takes
it along; the person's own folder keeps only the order (`queue.json`), under a lock. Nothing here starts a run:
`planner.run.keeper` does, in a process of its own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from planner import plan_file, strict_json
from planner.atomic_file import write_atomically
from planner.estimate import Estimate
from planner.problem import ProblemError, fail
from planner.run import file_lock, layout, lock, small_file
from planner.run.arguments import computing_device
from planner.run.build import main_tier, run_spec
from planner.run.folders import new_run_dir
from planner.run.home import home
from planner.strict_json import DamagedError

SCHEMA = 1


@dataclass(frozen=True)
class Queued:
    """One run that waits. need_bytes: that must be free on `device` before it starts, 0 where it starts as soon as no
    other run goes on. overnight: it looks after itself (`planner.run.overnight`). held: it is passed over until it is
    let go. said: why it still waits, by the keeper; empty where nobody has looked yet."""

    run_dir: Path
    need_bytes: int = 0
    device: str = "cpu"
    overnight: bool = False
    held: bool = False
    added: float = 0.0
    said: str = ""


@dataclass(frozen=True)
class _Order:
    """waiting: folders in their order. watched: overnight runs that were started and are not over yet."""

    waiting: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    schema: int = SCHEMA


@dataclass(frozen=True)
class Said:
    """What the keeper says, for those who look. says: by folder why it waits. running: the folder of the run that it
    waits for, empty for none. pid and time: of the keeper, and of its last look (seconds, epoch)."""

    pid: int = 0
    time: float = 0.0
    running: str = ""
    says: dict[str, str] = field(default_factory=dict)
    problem: str = ""


def queue_file() -> Path:
    return home() / "queue.json"


def said_file() -> Path:
    """What the keeper says of its last look."""
    return home() / "keeper.json"


_SAID_KINDS: dict[str, type] = {"pid": int, "time": float, "running": str, "problem": str}
_SAID = {*_SAID_KINDS, "says"}


# --- for those who ask ---


def waiting() -> tuple[Queued, ...]:
    """The runs that wait, in their order. Those whose folder has gone, or that were started by hand, are not among them.

    Raises ProblemError `queue.damaged`.
    """
    says = keeper_says().says
    found = (_read_entry(Path(folder)) for folder in dict.fromkeys(_load().waiting))
    return tuple(replace(entry, said=says.get(str(entry.run_dir), "")) for entry in found if entry is not None)


def watched() -> tuple[Path, ...]:
    """Overnight runs that were started and whose end nobody has dealt with."""
    return tuple(Path(folder) for folder in _load().watched)


def keeper_says() -> Said:
    """What the keeper said last; empty words where it said nothing that can be read."""
    try:
        raw = strict_json.fields(strict_json.parse(small_file.text_of(said_file())), "said", _SAID)
        says = strict_json.mapping(raw.pop("says"), "says")
        plain = {name: strict_json.typed(kind, raw[name], name) for name, kind in _SAID_KINDS.items()}
        return Said(says={k: strict_json.typed(str, v, k) for k, v in says.items()}, **plain)
    except (OSError, ValueError, DamagedError):
        return Said()


def need_of(estimate: Estimate) -> int:
    """Bytes that must be free before this plan starts: the high end of what was said, so that it fits; the expected
    figure where the place never has so much; and no condition where even that is more than there is, or not known."""
    tier = main_tier(estimate, estimate.plan) if estimate.tiers else None
    if tier is None:
        return 0
    return next((int(n) for n in (tier.high_bytes, tier.peak_bytes) if n <= tier.capacity_bytes), 0)


# --- changes ---


def enqueue(estimate: Estimate, *, overnight: bool = False, run_dir: Path | None = None) -> Path:
    """A new run of this plan at the queue's end; returns its folder. run_dir: a new folder, else one is made.

    It starts no keeper: `planner.run.keeper.ensure` does. Raises ProblemError like `run_spec`, and `file.not_written`.
    """
    run_spec(estimate.plan, estimate, Path())  # what cannot be run leaves no folder behind
    run_dir = run_dir or new_run_dir(estimate.plan.model.name.rsplit("/", 1)[-1])
    run_dir = run_dir.absolute()
    plan_file.save_spec(run_spec(estimate.plan, estimate, run_dir), run_dir / layout.SPEC)
    device = computing_device(estimate.plan).id
    add(Queued(run_dir, need_of(estimate), device, overnight, added=time.time()))
    return run_dir


def add(entry: Queued, *, first: bool = False) -> None:
    """Put a run that has its spec into the queue, at its end or in front. Raises ProblemError `run.already_running`."""
    if lock.is_held(entry.run_dir):
        raise fail("run.already_running", f"A worker is already at work on {str(entry.run_dir)!r}.", "Open that run.")
    folder = str(entry.run_dir.absolute())
    with _changing() as order:
        others = [x for x in order.waiting if x != folder]
        watched = tuple(x for x in order.watched if x != folder)
        now = (folder, *others) if first else (*others, folder)
        _save(replace(order, waiting=now, watched=watched))
        _write_entry(entry)


def leave_queue(run_dir: Path) -> None:
    """The run waits no more; its folder stays as it is."""
    folder = str(run_dir.absolute())
    with _changing() as order:
        _save(replace(order, waiting=tuple(x for x in order.waiting if x != folder)))
        with contextlib.suppress(OSError):
            (run_dir / layout.QUEUED).unlink()


def reorder(run_dir: Path, place: int) -> None:
    """Move a run that waits to a place of the queue, counted from 0."""
    folder = str(run_dir.absolute())
    with _changing() as order:
        living = [x for x in order.waiting if (Path(x) / layout.QUEUED).exists()]
        if folder not in living:
            raise _not_waiting(run_dir)
        living.remove(folder)
        living.insert(max(0, place), folder)
        _save(replace(order, waiting=tuple(living)))


def hold(run_dir: Path, held: bool = True) -> None:
    """Pass a run over until it is let go with held=False."""
    with _changing():
        entry = _read_entry(run_dir.absolute())
        if entry is None:
            raise _not_waiting(run_dir)
        _write_entry(replace(entry, held=held))


def taken(run_dir: Path) -> None:
    """The run is being started: it waits no more; an overnight run is watched from now on."""
    folder = str(run_dir.absolute())
    with _changing() as order:
        entry = _read_entry(run_dir)
        watched = [x for x in order.watched if x != folder]
        if entry is not None and entry.overnight:
            watched.append(folder)
        _save(replace(order, waiting=tuple(x for x in order.waiting if x != folder), watched=tuple(watched)))
        with contextlib.suppress(OSError):
            (run_dir / layout.QUEUED).unlink()


def dealt_with(run_dir: Path) -> None:
    """An overnight run is over, and its story told."""
    folder = str(run_dir.absolute())
    with _changing() as order:
        _save(replace(order, watched=tuple(x for x in order.watched if x != folder)))


def say(said: Said) -> None:
    """The keeper's word. Raises ProblemError `file.not_written`."""
    write_atomically(said_file(), strict_json.render(dataclasses.asdict(said)))


# --- files ---


@contextmanager
def _changing() -> Iterator[_Order]:
    try:
        with file_lock.alone(home() / "queue.lock"):
            yield _load()
    except OSError as error:
        raise fail(
            "queue.busy",
            f"The queue cannot be changed: {error.strerror or error}.",
            "Try again; check that the program's folder can be written.",
        ) from None


def _load() -> _Order:
    path = queue_file()
    try:
        found: _Order = strict_json.record(_Order, strict_json.parse(small_file.text_of(path)), "queue")
    except FileNotFoundError:
        return _Order()
    except (OSError, ValueError, DamagedError) as error:
        raise fail(
            "queue.damaged",
            f"The queue in {str(path)!r} cannot be read: {error}.",
            "Move that file away; the runs' folders are untouched and can be queued again.",
        ) from None
    return found


def _save(order: _Order) -> None:
    write_atomically(queue_file(), strict_json.render(strict_json.plain(order)))


_ENTRY: dict[str, type] = {"need_bytes": int, "device": str, "overnight": bool, "held": bool, "added": float}


def _write_entry(entry: Queued) -> None:
    raw = {name: getattr(entry, name) for name in _ENTRY}
    write_atomically(entry.run_dir / layout.QUEUED, json.dumps(raw).encode())


def _read_entry(run_dir: Path) -> Queued | None:
    """None where the run does not wait; a damaged file lets it wait with what it needs unknown, and held."""
    path = run_dir / layout.QUEUED
    try:
        raw = strict_json.fields(strict_json.parse(small_file.text_of(path)), "queued", set(_ENTRY))
        entry = {name: strict_json.typed(kind, raw[name], name) for name, kind in _ENTRY.items()}
        if entry["need_bytes"] < 0:
            raise DamagedError("need_bytes is less than nothing")
    except (OSError, ValueError, DamagedError):
        return Queued(run_dir, held=True) if path.exists() else None
    return Queued(run_dir, **entry)


def _not_waiting(run_dir: Path) -> ProblemError:
    return fail("queue.not_waiting", f"{run_dir.name} does not wait in the queue.", "Look at the queue again.")
