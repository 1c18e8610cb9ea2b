"""Every setting of a command that its plan does not hold, as `Beside`s: with bytes where a formula has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from planner.drafting import plan_problems
from planner.facts.model.families import stacks_of
from planner.plan import Plan
from planner.slots import Slot
from planner.training.optimizers import Optimizer
from planner.why.beside import EITHER, LESS, MORE, WORTH_SAYING_BYTES, Beside, Otherwise, difference
from planner.why.settings import LIBRARY, LONGEST_SHOWN, TRL, Settings, answers, dtype_of, table

IN_THE_PLAN = ("adamw_torch", "adamw_torch_fused", "adamw_hf", "adamw")
OFF = (("no",), ("false",), ("0",), ("none",), ("0.0",))


def besides(plan: Plan, s: Settings, *, four_bits: bool, eight_bits: bool) -> tuple[Beside, ...]:
    """In the order of how surely they are known: computed ones, then those of which only the direction is."""
    computable = bool(stacks_of(plan.model)) and not plan.model.unsupported_because and not plan_problems(plan)
    found = [*_computed(plan, s, four_bits, eight_bits, computable), *_processes(s), *_listed(s)]
    return tuple(found)


def _computed(plan: Plan, s: Settings, four_bits: bool, eight_bits: bool, computable: bool) -> Iterator[Beside]:
    def one(setting: str, way: str, why: str, otherwise: Otherwise, least: int = 0) -> Iterator[Beside]:
        moved = difference(plan, otherwise) if computable else None
        if moved is None or abs(moved) >= least:
            yield Beside(setting, way, why, moved)

    half = 16 if s.truth("fp16") or _bf16(s) else 0
    wide = answers(plan, Slot.WEIGHTS, "float32")
    if half and not eight_bits and not four_bits:
        word = "--fp16" if s.truth("fp16") else "--bf16" if s.given("bf16") else f"bf16, {LIBRARY[s.library]}'s default"
        why = "matmuls run under autocast on 16-bit copies" + (" of the float32 weights" if wide else "")
        yield from one(word, EITHER, why, Otherwise(autocast=half), least=WORTH_SAYING_BYTES)
    if four_bits:
        yield from _around_four_bits(plan, s)
    if eight_bits:
        why = "the matrices of the blocks are kept in 8 bits, beside what the other weights are loaded in"
        yield from one("--load_in_8bit", LESS, why, Otherwise(eight_bits=True))
    optimizer = s.text("optim") or ""
    if optimizer not in IN_THE_PLAN:
        formula = _formula(optimizer)
        if formula is None:
            yield Beside(f"--optim {optimizer[:LONGEST_SHOWN]}", EITHER, "these figures have AdamW of torch")
        else:
            yield from one(
                f"--optim {optimizer}", LESS, "these figures have AdamW of torch", Otherwise(optimizer=formula)
            )
    if s.truth("use_dora") and answers(plan, Slot.TRAINABLE, "adapter"):
        why = "the length of each row of the weights is trained and measured"
        yield from one("--use_dora", MORE, why, Otherwise(dora=True))


def _bf16(s: Settings) -> bool:
    """TRL turns bf16 on where neither it nor fp16 is given."""
    if s.given("bf16") is not None:
        return s.truth("bf16")
    mixed = dict(s.command.of_launcher).get("mixed_precision")
    return mixed in (("bf16",), ("fp16",)) or (s.library == TRL and not s.truth("fp16"))


def _around_four_bits(plan: Plan, s: Settings) -> Iterator[Beside]:
    if dtype_of(s, plan.model) == "float32":
        around = sum(
            x.elements
            for stack in stacks_of(plan.model)
            for x in stack.tensors
            if x.role in ("embedding", "head") and not x.tied
        )
        given = "--dtype float32" if s.given("dtype") else f"float32, {LIBRARY[s.library]}'s default type"
        why = "embeddings and head are float32 beside the 4-bit matrices, bfloat16 in these figures"
        yield Beside(given, MORE, why, 2 * around)


def _formula(optimizer: str) -> Optimizer | None:
    for row in table()["optimizers"]:
        if optimizer in row["names"]:
            fields: dict[str, Any] = {k: v for k, v in row.items() if k != "names"}
            return Optimizer(**fields)
    return None


def _processes(s: Settings) -> Iterator[Beside]:
    before = dict(s.command.of_launcher)
    for flag in ("num_processes", "nproc_per_node", "num_gpus"):
        many = before.get(flag, ())
        if many and many[0].isdigit() and 1 < int(many[0]) < 100_000:
            why = "these figures are for one process alone on its card; DDP keeps gradients a second time in buckets"
            yield Beside(f"--{flag} {int(many[0])}", EITHER, why)
            return


def _listed(s: Settings) -> Iterator[Beside]:
    """Flags that the table knows, and flags that nothing knows."""
    rows = {row["flag"]: row for row in table()["beside"]}
    several = {"num_processes", "nproc_per_node", "num_gpus"}
    unknown: list[str] = []
    for flag, values in s.unread():
        if flag in several or tuple(v.lower() for v in values[:1]) in OFF or flag.startswith("no_"):
            continue
        row = rows.get(flag)
        shown = f"--{flag} {' '.join(values)}".strip()[:LONGEST_SHOWN]
        if row is not None:
            yield Beside(shown, row["way"], row["why"])
        elif len(unknown) < 20:
            unknown.append(shown.split(" ", 1)[0])
    if unknown:
        yield Beside(
            ", ".join(unknown), EITHER, "not known here" if len(unknown) > 1 else "a flag that is not known here"
        )
