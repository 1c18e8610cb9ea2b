"""The fixed questions a plan answers, in the order in which their techniques are applied."""

from __future__ import annotations

from enum import StrEnum


class Slot(StrEnum):
    """One question. The value is the word used in `--set slot.option=value` and in plan files."""

    VOCABULARY = "vocabulary"
    WEIGHTS = "weights"
    PRECISION = "precision"
    TRAINABLE = "trainable"
    ATTENTION = "attention"
    ACTIVATION = "activation"
    OBJECTIVE = "objective"
    LOSS = "loss"
    OPTIMIZER = "optimizer"
    REHEARSAL = "rehearsal"
    CACHE = "cache"
    SHARDING = "sharding"
    PLACEMENT = "placement"

    __hash__ = str.__hash__  # Enum's own is Python code, and a slot is looked up many times in an estimate


QUESTIONS = {
    Slot.VOCABULARY: "Vocabulary",
    Slot.WEIGHTS: "Weights",
    Slot.PRECISION: "Precision",
    Slot.TRAINABLE: "Trained",
    Slot.ATTENTION: "Attention",
    Slot.ACTIVATION: "Kept for backward",
    Slot.OBJECTIVE: "Objective",
    Slot.LOSS: "Loss",
    Slot.OPTIMIZER: "Optimizer",
    Slot.REHEARSAL: "Rehearsal",
    Slot.CACHE: "Cache",
    Slot.SHARDING: "Sharding",
    Slot.PLACEMENT: "Placement",
}
ORDER = {slot: i for i, slot in enumerate(Slot)}
