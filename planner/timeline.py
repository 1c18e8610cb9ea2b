"""The instants of one stage of training, in the order in which they come, and the sets of them that lines live in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from planner.ledger import At

FIRST, LATER = "step 1", "step 2+"
EVALUATE = "evaluate"
TRAINING = ("forward_end", "loss", "layer_last", "layer_first", "backward_end", "update")


@dataclass(frozen=True, eq=False)
class Stretches:
    """One stage's timeline with the sets that formulas need; made once for each stage number.

    A training moment's set holds it in both kinds of step. kept: while what all blocks keep is there whole; blocks:
    from the first block's forward to its backward; training: every moment of both steps; states: from the first
    update on. evaluating, evaluating_loss: blocks and loss of an evaluation between two steps; answering: a sample answer
    between two steps; between: all of these. They are empty where the run does nothing of the kind.
    """

    timeline: tuple[At, ...]
    always: frozenset[At]
    load: frozenset[At]
    sample: frozenset[At]
    forward_end: frozenset[At]
    loss: frozenset[At]
    layer_last: frozenset[At]
    layer_first: frozenset[At]
    backward_end: frozenset[At]
    update: frozenset[At]
    kept: frozenset[At]
    blocks: frozenset[At]
    training: frozenset[At]
    states: frozenset[At]
    save: frozenset[At]
    resume: frozenset[At]
    evaluating: frozenset[At]
    evaluating_loss: frozenset[At]
    answering: frozenset[At]
    between: frozenset[At]


@lru_cache(maxsize=64)
def stretches(stage: int, evaluates: bool = False, answers: bool = False) -> Stretches:
    """Load, sample, first step, later steps, save and resume of this stage. evaluates, answers: with an evaluation, with a
    sample answer between steps."""
    load, sample = At(stage, "load", "weights"), At(stage, "sample", "generate")
    save, resume = At(stage, "save", "write"), At(stage, "resume", "read")
    first, later = (tuple(At(stage, phase, m) for m in TRAINING) for phase in (FIRST, LATER))
    evaluation = (At(stage, EVALUATE, "forward_end"), At(stage, EVALUATE, "loss")) if evaluates else ()
    answer = (At(stage, "sample", "generate_later"),) if answers else ()
    between = frozenset((*evaluation, *answer))
    timeline = (load, sample, *first, *later, *evaluation, *answer, save, resume)

    def both(*moments: str) -> frozenset[At]:
        return frozenset(at for at in (*first, *later) if at.moment in moments)

    return Stretches(
        timeline=timeline,
        always=frozenset(timeline),
        load=frozenset((load,)),
        sample=frozenset((sample,)),
        **{moment: both(moment) for moment in TRAINING},
        kept=both("loss", "layer_last"),
        blocks=both("forward_end", "loss", "layer_last", "layer_first"),
        training=both(*TRAINING),
        states=frozenset((first[-1], *later, save, resume)) | between,
        save=frozenset((save,)),
        resume=frozenset((resume,)),
        evaluating=frozenset(evaluation[:1]),
        evaluating_loss=frozenset(evaluation[1:]),
        answering=frozenset(answer),
        between=between,
    )
