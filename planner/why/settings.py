"""What the flags of a training command set, read with the defaults of the library behind the command.

The tables are `assets/why_flags.json`: names of flags, the defaults of TRL and of transformers, and what each flag that a
plan cannot hold does to the bytes. A flag nobody knows is told, never passed over.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any

from planner.assets import asset
from planner.facts.model.facts import ModelFacts
from planner.plan import Choice, Plan
from planner.slots import Slot
from planner.techniques.registry import default_choice
from planner.why.command import Command

TRL, TRANSFORMERS = "trl", "transformers"
LIBRARY = {TRL: "TRL 1.16", TRANSFORMERS: "transformers 5.23"}
_OF_TRANSFORMERS = ("run_clm", "run_sft_no_trl", "run_mlm", "train_bash", "llamafactory-cli")
LARGEST = 2**40
LONGEST_SHOWN = 60


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    """The asset as read."""
    found: dict[str, Any] = json.loads(asset("why_flags.json").read_text(encoding="utf-8"))
    return found


def answer(slot: Slot, what: str) -> Choice:
    """This room's word for an answer to a slot's question, as the choice of the technique that gives it."""
    return default_choice(slot, table()["answers"][slot.value][what])


def answers(plan: Plan, slot: Slot, what: str) -> bool:
    """Whether the plan's answer to a slot's question is this one."""
    choice = plan.stage.choice(slot)
    return choice is not None and choice.technique == table()["answers"][slot.value][what]


def library_of(command: Command) -> str:
    """Whose defaults hold for what is not given: TRL's, unless the script is one of transformers' Trainer."""
    return TRANSFORMERS if command.program.startswith(_OF_TRANSFORMERS) else TRL


def not_computed(command: Command) -> str:
    """The way of training that no plan can hold, by the program's name; empty for the others."""
    words = command.program.removesuffix(".py").replace("-", "_").split()
    last = words[-1].rsplit(".", 1)[-1] if words else ""
    stage = "".join(command.values("stage") or ())
    for name in (last, stage):
        if name in table()["not_computed"] or (name.endswith("_vlm") and name != "sft_vlm"):
            return name
    return ""


class Settings:
    """Flags by the planner's names. Every name that was asked for counts as known; `unread` are the rest.

    notes: what could not be taken as it stands, in words.
    """

    def __init__(self, command: Command, library: str) -> None:
        self.command = command
        self.library = library
        self.defaults: dict[str, Any] = table()["defaults"][library]
        self.notes: list[str] = []
        self._known: set[str] = set()

    def given(self, what: str) -> tuple[str, tuple[str, ...]] | None:
        """(flag, values) of the first name of this meaning that the command has; None where it has none."""
        names = table()["names"].get(what, [what])
        self._known.update(names)
        for name in names:
            values = self.command.values(name)
            if values is not None:
                return name, values
        return None

    def default(self, what: str) -> Any:
        names = table()["names"].get(what, [what])
        return next((self.defaults[n] for n in names if n in self.defaults), None)

    def text(self, what: str) -> str | None:
        """One word or several; the default where it is not given."""
        found = self.given(what)
        if found is None or not found[1]:
            default = self.default(what)
            return None if default is None else str(default)
        return " ".join(found[1])

    def truth(self, what: str) -> bool:
        """A bare flag is true, as for argparse's `nargs="?"`; `--no_flag` and `--flag False` are false."""
        if self.command.values(f"no_{what}") is not None:
            self._known.add(f"no_{what}")
            return False
        found = self.given(what)
        if found is None:
            return bool(self.default(what))
        word = found[1][0].strip().lower() if found[1] else "true"
        if word in ("true", "1", "yes", "y", "on", "t"):
            return True
        if word in ("false", "0", "no", "n", "off", "f", "none", "null"):
            return False
        return bool(self._instead(found, self.default(what)))

    def number(self, what: str, *, whole: bool = True) -> float:
        """A number; the default, with a note, where what is given is none."""
        found = self.given(what)
        if found is None:
            return float(self.default(what))
        try:
            value = float(found[1][0].replace("_", "").strip(",;"))
            if not math.isfinite(value) or abs(value) > LARGEST or (whole and value != int(value)):
                raise ValueError
        except (ValueError, IndexError):
            return float(self._instead(found, self.default(what)))
        return value

    def _instead(self, found: tuple[str, tuple[str, ...]], default: Any) -> Any:
        shown = " ".join(found[1])[:LONGEST_SHOWN] or "nothing"
        self.notes.append(f"--{found[0]} is {shown}, which the text does not explain; {default} was taken.")
        return default

    def unread(self) -> list[tuple[str, tuple[str, ...]]]:
        """Flags of the program and of its launcher that nothing asked for."""
        nothing = set(table()["moves_nothing"])
        every = dict((*self.command.of_launcher, *self.command.flags))  # the last of each name
        return [
            (name, values)
            for name, values in every.items()
            if name not in self._known
            and name not in nothing
            and not name.startswith(("hub_", "wandb", "trackio", "log_"))
        ]


def dtype_of(s: Settings, model: ModelFacts) -> str:
    """float32, bfloat16 or float16: what the weights are loaded in."""
    word = (s.text("dtype") or "float32").lower().removeprefix("torch.")
    if word == "auto":
        return model.stored_dtype
    return {"bf16": "bfloat16", "fp16": "float16", "half": "float16", "fp32": "float32", "float": "float32"}.get(
        word, word
    )
