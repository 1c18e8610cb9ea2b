"""AdamW: two states for each trained element, in the type of the weight, from the first update on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from planner.draft import Draft, Stack
from planner.ledger import DEVICE, DISK, HOST, Kind, Line, Why
from planner.options import option
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.stored import CHECKPOINTS_AT_ONCE, stored
from planner.techniques.technique import ScriptPart, Variant
from planner.timeline import stretches

SECONDS = {"fused": 1.0, "foreach": 1.3, "for_loop": 1.25}  # of a whole step, relative; see `variants`


@dataclass(frozen=True)
class AdamwOptions:
    implementation: str = option(
        "fused",
        "Implementation",
        "fused works in place; foreach makes copies of all gradients at once; for_loop goes tensor by tensor.",
        choices=(("fused", "fused"), ("foreach", "foreach"), ("for_loop", "for loop")),
    )
    beta1: float = option(0.9, "β₁", "Decay of the mean of gradients.", minimum=0.0, maximum=0.9999, advanced=True)
    beta2: float = option(0.999, "β₂", "Decay of the mean of squares.", minimum=0.0, maximum=0.999999, advanced=True)
    eps: float = option(1e-8, "ε", "Keeps the division finite.", minimum=1e-16, maximum=1.0, advanced=True)


@lru_cache(maxsize=1024)
def _lines(stacks: tuple[Stack, ...], stage: int, implementation: str, device: str) -> tuple[Line, ...]:
    """States, their copies on the disk, and what the update works with: none of it depends on the batch."""
    when = stretches(stage)
    every = [stored(stack) for stack in stacks]
    total = sum(x.trained_bytes for x in every)
    tensors = sum(x.trained_tensors for x in every)
    size = 2 * total + 4 * tensors
    why = Why(
        "The mean and the mean square of the gradient, each in the weight's own type, for {n} trained elements; "
        "and a step count for each of {m} tensors.",
        (("n", sum(x.trained_elements for x in every)), ("m", tensors)),
    )
    on_disk = Why("{n} bytes in each of {k} checkpoints on the disk.", (("n", size), ("k", CHECKPOINTS_AT_ONCE)))
    lines = [
        Line("Optimizer states", Kind.STATES, DEVICE, size, when.states, Slot.OPTIMIZER, why),
        Line(
            "Saved optimizer states", Kind.STATES, DISK, CHECKPOINTS_AT_ONCE * size, when.save, Slot.OPTIMIZER, on_disk
        ),
    ]
    if device != "cpu":
        copied = Why("A checkpoint's tensors are copied to the computer's memory on their way to the disk.")
        lines.append(Line("Copy for the checkpoint", Kind.STATES, HOST, size, when.save, Slot.OPTIMIZER, copied))
    work, how = 0, Why("")
    if implementation == "foreach":
        work, how = total, Why("All tensors at once: one copy as large as all trained weights.")
    elif implementation == "for_loop":
        work = max(_one_by_one(x.in_turn) for x in every)
        how = Why(
            "Tensor by tensor: the square root and the denominator of one, beside the denominator of the one before."
        )
    if work:
        lines.append(Line("Update workspace", Kind.WORKSPACE, DEVICE, work, when.update, Slot.OPTIMIZER, how))
    return tuple(lines)


def _one_by_one(sizes: tuple[int, ...]) -> int:
    """_single_tensor_adam: the square root and the denominator of one tensor, and the denominator of the one before."""
    return max((2 * size + before for before, size in zip((0, *sizes), sizes, strict=False)), default=0)


class OptimizerAdamw:
    slot = Slot.OPTIMIZER
    name = "adamw"
    label = "AdamW"
    summary = "Two states for each trained element: mean and mean square of its gradients."
    reference = "https://arxiv.org/abs/1711.05101"
    twin = "optimizer_adamw"
    Options = AdamwOptions

    def problems(self, plan: Plan, options: AdamwOptions) -> list[Problem]:
        return []

    def variants(self, options: AdamwOptions) -> tuple[Variant, ...]:
        # all three compute the same update
        source = "measured with the embedded model on a CPU, all weights trained, 768 tokens a step"
        return tuple(
            Variant(
                replace(options, implementation=other),
                f"AdamW {other} instead of {options.implementation}",
                time=SECONDS[other] / SECONDS[options.implementation],
                source=source,
            )
            for other in SECONDS
            if other != options.implementation
        )

    def apply(self, options: AdamwOptions, draft: Draft) -> Draft:
        lines = _lines(draft.stacks, draft.stage, options.implementation, draft.device)
        return draft._replace(lines=draft.lines + lines)

    def script(self, options: AdamwOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(
            imports=("import torch",),
            trainer=(
                (
                    "optimizer_cls_and_kwargs",
                    f'(torch.optim.AdamW, {{"lr": {plan.stage.schedule.learning_rate!r}, '
                    f'"betas": ({options.beta1!r}, {options.beta2!r}), "eps": {options.eps!r}, '
                    f'"fused": {options.implementation == "fused"}, "foreach": {options.implementation == "foreach"}}})',
                ),
            ),
        )
