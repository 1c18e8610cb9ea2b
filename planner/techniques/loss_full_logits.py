"""transformers' own causal-language-model loss: logits of every token over the whole vocabulary at once."""

from __future__ import annotations

from planner.autograd.amount import Extent, most, per_token
from planner.autograd.head import head_of
from planner.autograd.operations import cast, linear, log_softmax, negative_log_likelihood
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Draft
from planner.ledger import DEVICE, Kind, Line, Why
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.stored import stored
from planner.techniques.technique import ScriptPart
from planner.timeline import stretches
from planner.units import maximum

MANY_TOKENS = (
    "Every token gets a logit for each of {v} entries of the vocabulary. At the fullest instant the log-probabilities "
    "and two gradients of them lie side by side: 12 bytes each × {t} tokens."
)
FEW_TOKENS = (
    "Logits and their gradients for {t} tokens over {v} entries of the vocabulary; what is made beside them, as a "
    "trained head's own gradient, is the larger part for so few tokens or so few entries."
)


def full_logits(t: Tape, hidden: Value, head: Weight, vocabulary: int) -> Value:
    """LlamaForCausalLM.forward from the head on, and ForCausalLMLoss: logits, their float32 copy, cross entropy."""
    logits = linear(t, hidden, head, vocabulary)
    return _cross_entropy(t, cast(t, logits, 32))


def _cross_entropy(t: Tape, logits: Value) -> Value:
    padded = t.new(per_token(1), 64)
    targets = t.new(per_token(1), 64)
    loss = negative_log_likelihood(t, log_softmax(t, logits), targets)
    del padded
    return loss


def _sum_of_tied(draft: Draft) -> tuple[Line, ...]:
    """Beside both gradients of a tied embedding their sum: the head's is a view of a matmul's result, and autograd adds
    into a view out of place. The gradient that reached the embedding is gone by then."""
    sums = stored(draft.stacks[-1])
    embedding = sums.of_embedding if sums.tied else 0
    if not embedding:
        return ()
    flow = draft.compute_bits // 8 * draft.facts.hidden_size * draft.batch.tokens
    size = maximum(embedding, flow) - flow
    if type(size) is int and not size:
        return ()
    return (
        Line(
            "Sum of the tied embedding's gradients",
            Kind.GRADIENTS,
            DEVICE,
            size,
            stretches(draft.stage).backward_end,
            Slot.LOSS,
            Why("The head's and the embedding's gradient are added into a third of the same size."),
        ),
    )


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
        batch, v = draft.batch, draft.facts.vocab_size
        need = most(head_of(draft, full_logits), Extent(0, batch.tokens, 0))
        line = Line(
            "Logits and loss",
            Kind.LOGITS,
            DEVICE,
            need,
            stretches(draft.stage).loss,
            Slot.LOSS,
            Why(
                FEW_TOKENS if type(need) is int and 5 * need > 6 * 12 * v * batch.tokens else MANY_TOKENS,
                (("v", v), ("t", batch.tokens)),
            ),
        )
        return draft._replace(lines=(*draft.lines, line, *_sum_of_tied(draft)))

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(mixin="FullLogitsLoss")
