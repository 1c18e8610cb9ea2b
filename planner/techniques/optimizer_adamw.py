"""AdamW: two states for each trained element, in the type of the weight, from the first update on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from planner.draft import Draft
from planner.options import option
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import ScriptPart, Spread, Variant
from planner.training.optimizers import ADAMW, optimizer_lines, saved_state_lines

OF = {name: ADAMW._replace(implementation=name) for name in ("fused", "foreach", "for_loop")}
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
                short=f"{other.replace('_', '-')} AdamW",
            )
            for other in SECONDS
            if other != options.implementation
        )

    def spread(self, plan: Plan, options: AdamwOptions) -> tuple[Spread, ...]:
        return tuple(
            Spread((("Implementation", name.replace("_", " ")),), ((0, replace(options, implementation=name)),))
            for name in SECONDS
        )

    def apply(self, options: AdamwOptions, draft: Draft) -> Draft:
        adamw = OF[options.implementation]
        lines = draft.lines + optimizer_lines(draft, adamw) + saved_state_lines(draft, adamw)
        return draft._replace(lines=lines, update=adamw)

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
