"""transformers' own causal-language-model loss: logits of every token over the whole vocabulary at once."""

from __future__ import annotations

from dataclasses import replace

from planner.draft import Draft
from planner.ledger import DEVICE, Kind, Line, Why
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import ScriptPart
from planner.timeline import stretches


class LossFullLogits:
    slot = Slot.LOSS
    name = "full_logits"
    label = "full logits"
    summary = "Logits of all tokens over the whole vocabulary at once: the plain loss, and a hump of memory."
    reference = "https://huggingface.co/docs/transformers/main_classes/trainer"
    twin = "loss_full_logits"
    Options = NoOptions

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        when, v, t = stretches(draft.stage), draft.facts.vocab_size, draft.batch.tokens
        line = Line(
            "Logits and loss",
            Kind.LOGITS,
            DEVICE,
            12 * v * t,
            when.of("loss"),
            Slot.LOSS,
            Why("12 bytes for each of {v} words of the vocabulary and each token", (("v", v),)),
        )
        return replace(draft, lines=(*draft.lines, line))

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(mixin="FullLogitsLoss")
