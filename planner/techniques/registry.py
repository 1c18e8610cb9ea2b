"""The one ordered tuple of techniques. To add one: write its file, its twin and its test, and name it here."""

from __future__ import annotations

from functools import lru_cache

from planner.facts.model.adapter import AdapterFacts
from planner.plan import Choice
from planner.problem import fail
from planner.slots import Slot
from planner.techniques.activation_checkpointing import ActivationCheckpointing
from planner.techniques.activation_keep_all import ActivationKeepAll
from planner.techniques.attention_eager import AttentionEager
from planner.techniques.attention_sdpa import AttentionSdpa
from planner.techniques.loss_full_logits import LossFullLogits
from planner.techniques.loss_fused_tiles import LossFusedTiles
from planner.techniques.objective_fine_tune import ObjectiveFineTune
from planner.techniques.optimizer_adamw import OptimizerAdamw
from planner.techniques.placement_one_device import PlacementOneDevice
from planner.techniques.precision_as_stored import PrecisionAsStored
from planner.techniques.technique import Technique
from planner.techniques.trainable_full import TrainableFull
from planner.techniques.trainable_lora import TrainableLora
from planner.techniques.weights_bf16 import WeightsBf16
from planner.techniques.weights_fp32 import WeightsFp32
from planner.techniques.weights_nf4 import WeightsNf4

TECHNIQUES: tuple[Technique, ...] = (
    # in slot order; the first of a slot is its default
    WeightsBf16(),
    WeightsFp32(),
    WeightsNf4(),
    PrecisionAsStored(),
    TrainableLora(),
    TrainableFull(),
    AttentionSdpa(),
    AttentionEager(),
    ActivationKeepAll(),
    ActivationCheckpointing(),
    ObjectiveFineTune(),
    LossFullLogits(),
    LossFusedTiles(),
    OptimizerAdamw(),
    PlacementOneDevice(),
)

_BY_KEY = {(t.slot, t.name): t for t in TECHNIQUES}


def technique(slot: Slot, name: str) -> Technique:
    """Look one up; `technique.unknown` names the ones that exist."""
    found = _BY_KEY.get((slot, name))
    if found is None:
        names = ", ".join(t.name for t in of_slot(slot)) or "none"
        raise fail("technique.unknown", f"No technique {name!r:.80} for {slot.value}.", f"Known ones: {names}.")
    return found


@lru_cache(maxsize=len(Slot))
def of_slot(slot: Slot) -> tuple[Technique, ...]:
    return tuple(t for t in TECHNIQUES if t.slot is slot)


@lru_cache(maxsize=1)
def slots() -> tuple[Slot, ...]:
    """The slots that have at least one technique, in order."""
    return tuple(s for s in Slot if of_slot(s))


def default_choice(slot: Slot, name: str = "") -> Choice:
    """A choice with default options; without a name, the slot's first technique."""
    t = technique(slot, name) if name else of_slot(slot)[0]
    return Choice(slot, t.name, t.Options())


def choice_like(adapter: AdapterFacts) -> Choice | None:
    """The choice whose adapter is most like one that was trained elsewhere; None where no technique makes such a kind."""
    for t in of_slot(Slot.TRAINABLE):
        options = t.of_adapter(adapter) if hasattr(t, "of_adapter") else None
        if options is not None:
            return Choice(t.slot, t.name, options)
    return None
