"""Attention by torch's scaled_dot_product_attention: the scores are made in tiles and never stored."""

from __future__ import annotations

from dataclasses import replace

from planner.draft import Draft
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import ScriptPart


class AttentionSdpa:
    slot = Slot.ATTENTION
    name = "sdpa"
    label = "SDPA"
    summary = "Attention in tiles: the scores of all token pairs are never stored."
    reference = "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html"
    twin = "attention_sdpa"
    Options = NoOptions

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        return replace(draft, attention="sdpa")

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(load=(("attn_implementation", '"sdpa"'),))
