"""TRL's own loss: the head and the loss in tiles of 4,096 tokens × 32,768 words, never all logits at once."""

from __future__ import annotations

from dataclasses import replace

from planner.draft import Draft
from planner.ledger import DEVICE, Kind, Line, Why
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import Cost, ScriptPart
from planner.timeline import stretches


class LossFusedTiles:
    slot = Slot.LOSS
    name = "fused_tiles"
    label = "fused tiles"
    summary = "Head and loss in tiles; pays for long batches and large vocabularies."
    reference = "https://huggingface.co/docs/trl/sft_trainer"
    twin = ""
    Options = NoOptions
    cost = Cost(
        time=1.5,
        source="measured with the embedded model on a CPU and its vocabulary of 49,152; a larger model feels it less",
    )

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        when, v, t = stretches(draft.stage), min(draft.facts.vocab_size, 32768), draft.batch.tokens
        line = Line(
            "Logits and loss",
            Kind.LOGITS,
            DEVICE,
            33 * v * t,
            when.of("loss"),
            Slot.LOSS,
            Why("33 bytes for each of {v} words of a tile and each token", (("v", v),)),
        )
        return replace(draft, lines=(*draft.lines, line))

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(arguments=(("loss_type", "nll"),))
