"""The instants of one stage of training, in the order in which they come, and the sets of them that lines live in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from planner.ledger import At

FIRST, LATER = "step 1", "step 2+"
TRAINING = ("forward_end", "loss", "layer_last", "layer_first", "backward_end", "update")


@dataclass(frozen=True, eq=False)
class Stretches:
    """One stage's timeline with the sets that formulas need; made once for each stage number."""

    timeline: tuple[At, ...]
    always: frozenset[At]
    load: frozenset[At]
    training: frozenset[At]  # every moment of both steps
    states: frozenset[At]  # from the first update on
    sample: frozenset[At]
    save: frozenset[At]
    resume: frozenset[At]

    def of(self, *moments: str) -> frozenset[At]:
        """These moments in both kinds of step."""
        return _of(self, moments)


@lru_cache(maxsize=256)
def _of(stage: Stretches, moments: tuple[str, ...]) -> frozenset[At]:
    return frozenset(at for at in stage.training if at.moment in moments)


@lru_cache(maxsize=16)
def stretches(stage: int) -> Stretches:
    """Load, sample, first step, later steps, save and resume of this stage."""
    load, sample = At(stage, "load", "weights"), At(stage, "sample", "generate")
    save, resume = At(stage, "save", "write"), At(stage, "resume", "read")
    first = tuple(At(stage, FIRST, m) for m in TRAINING)
    later = tuple(At(stage, LATER, m) for m in TRAINING)
    timeline = (load, sample, *first, *later, save, resume)
    return Stretches(
        timeline=timeline,
        always=frozenset(timeline),
        load=frozenset((load,)),
        training=frozenset((*first, *later)),
        states=frozenset((first[-1], *later, save, resume)),
        sample=frozenset((sample,)),
        save=frozenset((save,)),
        resume=frozenset((resume,)),
    )
