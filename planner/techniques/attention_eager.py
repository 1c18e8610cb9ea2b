"""Attention as the formula is written: the scores of all token pairs are stored, length × length for each head."""

from __future__ import annotations

from dataclasses import replace

from planner.draft import Draft
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import Cost, ScriptPart


class AttentionEager:
    slot = Slot.ATTENTION
    name = "eager"
    label = "eager"
    summary = "Attention as the formula is written: stores length × length scores for each head."
    reference = "https://arxiv.org/abs/1706.03762"
    twin = "attention_eager"
    Options = NoOptions
    cost = Cost(
        time=1.05,
        source="measured with the embedded model on a CPU, rows of 192 tokens; the longer the rows, the slower",
    )

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        return replace(draft, attention="eager")

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(load=(("attn_implementation", '"eager"'),))
