"""Supervised fine-tuning: load, a sample answer, steps of forward, loss, backward and update, save.

Writes the lines of weights, adapters, gradients, batch, and of what the blocks keep and work with. The loss and the
optimizer write their own.
"""

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


class ObjectiveFineTune:
    slot = Slot.OBJECTIVE
    name = "fine_tune"
    label = "fine-tune"
    summary = "Learns to continue the rows of the data set."
    reference = "https://huggingface.co/docs/trl/sft_trainer"
    twin = ""
    Options = NoOptions

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        when, f, stack, t = stretches(draft.stage), draft.facts, draft.stacks[0], draft.batch.tokens
        e, h, q, kv, m = draft.compute_bits // 8, f.hidden_size, f.q_dim, f.kv_dim, f.intermediate_size
        weights = sum(x.bytes for x in stack.tensors if x.role != "adapter")
        adapter = sum(x.bytes for x in stack.tensors if x.role == "adapter")
        grads = sum(x.bytes for x in stack.tensors if x.trained)
        full = stack.sites[0].trained
        a = 8 * h + 4 * e * q + 4 * f.n_heads + 3 * e * m + (0 if e == 4 else 8 * h)
        a += (4 * h + m) * e if full else 0
        a += sum(s.adapter.bits // 8 * (s.d_in + s.adapter.rank) for s in stack.sites if s.adapter)
        kept = f.n_layers * (e * h if draft.recompute else a) * t
        lines = [
            Line(
                "Weights",
                Kind.WEIGHTS,
                DEVICE,
                weights,
                when.always,
                Slot.WEIGHTS,
                Why("{p} stored elements", (("p", f.params),)),
            ),
            Line(
                "Batch",
                Kind.BATCH,
                DEVICE,
                24 * t,
                when.training,
                Slot.OBJECTIVE,
                Why("token ids, mask and labels, 8 bytes each"),
            ),
            Line(
                "Kept for backward",
                Kind.ACTIVATIONS,
                DEVICE,
                kept,
                when.of("forward_end", "loss", "layer_last"),
                Slot.ACTIVATION,
                Why("{n} blocks keep {a} bytes per token", (("n", f.n_layers), ("a", a))),
            ),
            Line(
                "One block's backward",
                Kind.WORKSPACE,
                DEVICE,
                (a if draft.recompute else 0) * t + (6 * m + 6 * h) * t,
                when.of("layer_last", "layer_first"),
                Slot.ACTIVATION,
                Why("what one block's backward makes and drops"),
            ),
            Line(
                "Gradients",
                Kind.GRADIENTS,
                DEVICE,
                grads,
                when.training
                if draft.schedule.grad_accumulation > 1
                else when.of("layer_first", "backward_end", "update"),
                Slot.TRAINABLE,
                Why("one for each trained element"),
            ),
        ]
        if adapter:
            lines.append(
                Line(
                    "Adapter",
                    Kind.ADAPTER,
                    DEVICE,
                    adapter,
                    when.always,
                    Slot.TRAINABLE,
                    Why("A and B of every target"),
                )
            )
        kv_bytes = 2 * f.n_layers * kv * e * draft.sample_tokens
        lines.append(
            Line(
                "KV cache of the sample",
                Kind.ACTIVATIONS,
                DEVICE,
                kv_bytes,
                when.sample,
                Slot.OBJECTIVE,
                Why("keys and values of {n} tokens", (("n", draft.sample_tokens),)),
            )
        )
        return replace(draft, timeline=when.timeline, lines=(*draft.lines, *lines))

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart()
