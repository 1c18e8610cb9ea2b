"""What one finished run or proof showed of this computer: predicted by uncorrected formulas, and measured, part by part.

Pure: the journal's events or the proof are handed in. A run that was cut short, or whose batches were only guessed,
shows nothing that could be held against a prediction, and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from importlib import metadata
from typing import NamedTuple

from planner import PRODUCT
from planner.assets import asset
from planner.calibration.fingerprint import device_name, fingerprint
from planner.estimate import device_of, estimate, heaviest_batch, unseen_by_proof
from planner.facts.data import BatchShape, comes_after_first_step
from planner.ledger import STATES
from planner.plan import Plan
from planner.problem import ProblemError, fail
from planner.run.build import main_tier
from planner.run.events import Event, Finished, Memory, Phase, Step
from planner.run.results import Proof
from planner.run.sessions import since_last_change
from planner.run.spec import RunSpec
from planner.slots import Slot
from planner.techniques.registry import technique
from planner.timing.seen import steps_timed
from planner.timing.speed import table

RUN, PROOF = "run", "proof"


@dataclass(frozen=True)
class Observation:
    """name: of the run, unlike any other's. kind: run or proof. what: was trained, in words. time: seconds, epoch.

    device: kind and name. plan: fingerprint of what decides memory. versions: of the libraries that ran. source: the
    counter that decided, `process` or `reserved`.
    states_bytes to later_bytes: predicted without corrections, of the peak: weights, gradients and states; what grows
    with the batch; what the allocator keeps; the context, of which later_bytes for what a proof does not meet: other lengths and rows.
    process_bytes, reserved_bytes, allocated_bytes: measured peaks, 0 for what was not read. before_bytes: the process
    with its libraries and without the model, 0 where nobody looked. predicted_by: which version of this program and of
    its tables predicted.
    said_s, took_s: seconds of the run's steps but the first, by uncorrected formulas and by the clock; 0 where they
    were too few. timed_by: which table said them. watts: of the sensor while they ran, 0 where there was none.
    """

    name: str
    kind: str
    what: str
    time: float
    device: str
    plan: str
    versions: tuple[tuple[str, str], ...]
    source: str
    states_bytes: int
    grows_bytes: int
    allocator_bytes: int
    context_bytes: int
    later_bytes: int
    process_bytes: int
    reserved_bytes: int
    allocated_bytes: int
    before_bytes: int
    predicted_by: str = ""
    said_s: float = 0.0
    took_s: float = 0.0
    timed_by: str = ""
    watts: float = 0.0

    @property
    def live_bytes(self) -> int:
        """Predicted bytes of tensors at the peak."""
        return self.states_bytes + self.grows_bytes

    @property
    def took_bytes(self) -> int:
        """Of the whole process; of what torch reserved where a card's driver does not tell."""
        return self.process_bytes or self.reserved_bytes

    @property
    def said_bytes(self) -> int:
        """What is predicted of the same without corrections."""
        reserved = self.live_bytes + self.allocator_bytes
        return reserved + self.context_bytes if self.process_bytes else reserved


def observe(spec: RunSpec, seen: Sequence[Event] | Proof, *, name: str, time: float) -> Observation:
    """Raises ProblemError `calibration.not_comparable` for what cannot be held against its prediction."""
    plan = uncorrected(spec.plan)
    prediction = estimate(plan)
    tier, device = main_tier(prediction, plan), device_of(plan)
    if tier is None or device is None or tier.peak_at is None:
        raise _refused(name, "Nothing could be predicted of it.")
    if not prediction.certain:
        raise _refused(name, "The tokens of its rows were not counted, so its longest batch is a guess.")
    if not isinstance(seen, Proof):
        seen = since_last_change(seen)  # what was measured under other settings shows nothing of these
    proof = seen if isinstance(seen, Proof) else None
    batch = heaviest_batch(plan)
    if proof and (proof.rows, proof.seq) != (batch.rows, batch.seq):
        raise _refused(
            name, f"It had {proof.rows} rows of {proof.seq} tokens; planned were {batch.rows} of {batch.seq}."
        )
    measured = _of_proof(proof) if proof else _of_run(name, plan, batch, seen)  # type: ignore[arg-type]
    lines = [x for x in prediction.lines if x.place == tier.place and tier.peak_at in x.alive]
    states = sum(int(x.bytes) for x in lines if x.kind in STATES)
    reserved = tier.reserved
    later = unseen_by_proof(plan)
    unseen = later if proof else 0
    timed = steps_timed(plan, seen) if not isinstance(seen, Proof) else None
    return Observation(
        name=name,
        kind=PROOF if proof else RUN,
        what=_in_words(plan),
        time=time,
        device=device_name(device),
        plan=fingerprint(plan, (batch,)),
        versions=spec.versions,
        source=measured.source,
        states_bytes=states,
        grows_bytes=int(tier.live_bytes) - states,
        allocator_bytes=int(reserved.allocator[1]),
        context_bytes=int(reserved.expected - reserved.allocator[1]) - unseen,
        later_bytes=later - unseen,
        process_bytes=measured.process,
        reserved_bytes=measured.reserved,
        allocated_bytes=measured.allocated,
        before_bytes=measured.before,
        predicted_by=predicting_version(),
        said_s=timed.said_s if timed else 0.0,
        took_s=timed.took_s if timed else 0.0,
        timed_by=timing_version() if timed else "",
        watts=timed.watts if timed else 0.0,
    )


@lru_cache(maxsize=1)
def predicting_version() -> str:
    """Of this program, with a digest of the table that corrections are added to: amounts are beside its figures only."""
    try:
        version = metadata.version(PRODUCT)
    except metadata.PackageNotFoundError:
        version = ""
    return f"{version} {sha256(asset('reserved.json').read_bytes()).hexdigest()[:12]}".strip()


@lru_cache(maxsize=1)
def timing_version() -> str:
    """A digest of the figures of speed, which corrections of speed are beside; what is said of them may change."""
    figures = [(part, k, v) for part in ("cpu", "card") for k, v in table()[part].items() if not isinstance(v, str)]
    return sha256(repr(figures).encode()).hexdigest()[:12]


def uncorrected(plan: Plan) -> Plan:
    """The plan as formulas and tables alone see it."""
    return replace(plan, machine=replace(plan.machine, corrections=())) if plan.machine.corrections else plan


class _Measured(NamedTuple):
    source: str
    process: int
    reserved: int
    allocated: int
    before: int


def _of_proof(proof: Proof) -> _Measured:
    return _Measured(proof.source, proof.process_bytes, proof.reserved_bytes, proof.allocated_bytes, proof.before_bytes)


def _of_run(name: str, plan: Plan, batch: BatchShape, events: Sequence[Event]) -> _Measured:
    word = events[-1] if events else None
    if not isinstance(word, Finished) or word.outcome != "done":
        raise _refused(name, "It did not come to its end, so its longest batch may not have come.")
    if not comes_after_first_step(plan.data, plan.stage.schedule, batch):
        raise _refused(name, "Its longest batch came in the first step only, before the optimizer had its states.")
    longest = max((e.seq for e in events if isinstance(e, Step)), default=0)
    if longest < batch.seq:  # the file or the tokenizer has changed since
        raise _refused(name, f"Its longest rows had {longest} tokens; planned were {batch.seq}.")
    readings = [e for e in events if isinstance(e, Memory)]
    peaks: dict[tuple[str, str], int] = {}
    for e in readings:
        peaks[e.source, e.tier] = max(peaks.get((e.source, e.tier), 0), e.peak_bytes)
    on_card = any(tier == "device" for _, tier in peaks)
    return _Measured(
        source=str(word.measured.get("source", "process")),
        process=peaks.get(("process", "device" if on_card else "host"), 0),
        reserved=peaks.get(("reserved", "device"), 0),
        allocated=peaks.get(("allocated", "device"), 0),
        before=_before_the_model(events),
    )


def _before_the_model(events: Sequence[Event]) -> int:
    """The reading just before the second `load`, which is the model's; 0 where there is none."""
    loads = [i for i, e in enumerate(events) if isinstance(e, Phase) and e.phase == "load"]
    if len(loads) < 2:
        return 0
    found = [e.bytes for e in events[loads[0] : loads[1]] if isinstance(e, Memory) and e.source == "process"]
    return found[-1] if found else 0


def _in_words(plan: Plan) -> str:
    """`SmolLM2-135M-Instruct · LoRA · 4 × 512 tokens`."""
    chosen = plan.stage.choice(Slot.TRAINABLE)
    trains = technique(chosen.slot, chosen.technique).label if chosen else ""
    batch = heaviest_batch(plan)
    return " · ".join(filter(None, [plan.model.name, trains, f"{batch.rows} × {batch.seq} tokens"]))


def _refused(name: str, why: str) -> ProblemError:
    return fail(
        "calibration.not_comparable",
        f"{name} teaches nothing: {why}",
        "Count the rows, and let a run of several steps come to its end.",
    )
