"""The file of what this computer's runs have shown, and of what a person has told it to forget.

One file, `calibration.json` in the person's own folder. A damaged one is left as it is and reported; nothing is ever
written over it, so nothing is lost. A window and a command line may learn at once: who changes it holds a lock beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from planner import strict_json
from planner.atomic_file import write_atomically
from planner.calibration.observation import Observation
from planner.problem import fail
from planner.run import file_lock
from planner.run.home import home
from planner.strict_json import DamagedError

SCHEMA = 1
MOST = 500  # observations; the oldest give way
MOST_BYTES = 1 << 50
MOST_OTHERS = 1e9  # seconds or watts
OTHERS = ("said_s", "took_s", "watts")
BYTES = tuple(f.name for f in fields(Observation) if f.name.endswith("_bytes"))


@dataclass(frozen=True)
class Known:
    """observations: oldest first. forgotten: names of runs and of corrections (`Correction` by `name_of`) that a person
    has taken away; they do not come back by themselves."""

    observations: tuple[Observation, ...] = ()
    forgotten: tuple[str, ...] = ()

    def with_one(self, new: Observation) -> Known:
        """A run seen again replaces itself; a forgotten one stays forgotten."""
        if new.name in self.forgotten:
            return self
        kept = tuple(x for x in self.observations if x.name != new.name)
        return replace(self, observations=(*kept, new)[-MOST:])

    def without(self, name: str) -> Known:
        """Forget a run or a correction."""
        kept = tuple(x for x in self.observations if x.name != name)
        return Known(kept, tuple(dict.fromkeys((*self.forgotten, name))))

    def again(self, name: str) -> Known:
        """A correction that was taken away may come back."""
        return replace(self, forgotten=tuple(x for x in self.forgotten if x != name))


def path() -> Path:
    return home() / "calibration.json"


def load() -> Known:
    """Raises ProblemError `calibration.damaged`. Nothing learned yet is no problem."""
    file = path()
    try:
        found = strict_json.fields(
            strict_json.parse(file.read_text(encoding="utf-8")), "calibration", {"schema", "observations", "forgotten"}
        )
        if found["schema"] != SCHEMA:
            raise DamagedError(f"calibration.schema is {strict_json.shown(found['schema'])}")
        known: Known = strict_json.record(Known, {k: v for k, v in found.items() if k != "schema"}, "calibration")
        _check(known)
    except FileNotFoundError:
        return Known()
    except (OSError, ValueError, DamagedError) as error:
        raise fail(
            "calibration.damaged",
            f"What this computer's runs have taught cannot be read: {str(file)!r}: {error}.",
            "Plans are shown uncorrected. Mend the file or move it away.",
        ) from None
    return known


def _check(known: Known) -> None:
    """Raises DamagedError for what no run can have shown: else one wrong figure would move every plan."""
    names = [x.name for x in known.observations]
    if len(set(names)) < len(names):
        raise DamagedError("calibration.observations has one run twice")
    for i, one in enumerate(known.observations):
        for field in BYTES:
            if not 0 <= (n := getattr(one, field)) <= MOST_BYTES:
                raise DamagedError(f"calibration.observations[{i}].{field} is {n}")
        for field in OTHERS:
            if not 0 <= (x := getattr(one, field)) <= MOST_OTHERS:
                raise DamagedError(f"calibration.observations[{i}].{field} is {x}")


def change(how: Callable[[Known], Known]) -> bool:
    """Read it, change it and write it, with nobody in between; whether that changed anything.

    Raises ProblemError `calibration.damaged`, `file.not_written`.
    """
    try:
        with file_lock.alone(path().with_suffix(".lock")):
            known = load()
            after = how(known)
            if after != known:
                _save(after)
    except OSError as error:
        raise fail(
            "file.not_written",
            f"What this computer's runs have taught cannot be kept: {error}.",
            "End the other program, or set PLIMSOLL_HOME to a folder that can be written.",
        ) from None
    return after != known


def _save(known: Known) -> None:
    """Raises ProblemError `file.not_written`."""
    plain: dict[str, Any] = strict_json.plain(known)
    write_atomically(path(), strict_json.render({"schema": SCHEMA, **plain}))
