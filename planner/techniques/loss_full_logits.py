"""transformers' own causal-language-model loss: logits of every token over the whole vocabulary at once."""

from __future__ import annotations

from planner.draft import Draft, HeadWork
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import ScriptPart
from planner.training.evaluation import evaluated_loss
from planner.training.loss_lines import loss_lines
from planner.training.losses import WholeLogits

FULL_LOGITS = WholeLogits()
# the logits, a float32 copy, log-probabilities, their gradient, the logits' gradient in float32 and in the model's type
WORK = HeadWork(products=1, written_bytes=20)
WORK_IN_FLOAT32 = HeadWork(products=1, written_bytes=16)  # without the copies


class LossFullLogits:
    slot = Slot.LOSS
    name = "full_logits"
    label = "full logits"
    short = "full logits"
    summary = "Logits of all tokens over the whole vocabulary at once: the plain loss, and a hump of memory."
    reference = "https://huggingface.co/docs/transformers/main_classes/trainer"
    twin = "loss_full_logits"
    Options = NoOptions

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        narrow = draft.autocast or (draft.flow_bits or draft.compute_bits) != 32
        work = WORK if narrow else WORK_IN_FLOAT32
        lines = draft.lines + loss_lines(draft, FULL_LOGITS) + evaluated_loss(draft, FULL_LOGITS)
        return draft._replace(lines=lines, head_work=work)

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(mixin="FullLogitsLoss")
