"""A correction of one term of the prediction for one device, with the runs that it comes from.

It is a fact about a machine, so it travels in `MachineFacts.corrections` wherever the machine goes; it is never part of
the ledger's lines. Observations and their arithmetic are `planner.calibration`'s other rooms.
"""

from __future__ import annotations

from dataclasses import dataclass

CONTEXT, ALLOCATOR, ACTIVATIONS, PROOF = "context", "allocator", "activations", "proof"
SPEED, POWER = "speed", "power"
PER = 10_000
"""Allocator and activations are counted for so many bytes of them, seconds for so many."""


@dataclass(frozen=True)
class Correction:
    """term: context (bytes added to it), allocator (bytes added for each 10,000 live ones), activations (the same, of
    what grows with the batch), proof (bytes of the whole process for one plan, which `plan` names by its fingerprint),
    speed (seconds for each 10,000 that are said) or power (milliwatts, of the sensor that the runs were read by).

    device: kind and name of the device, as `Device` has them. amount: what is expected; low, high: the spread, in the
    same unit. runs: the names of the runs it comes from.
    """

    term: str
    device: str
    amount: int
    low: int
    high: int
    runs: tuple[str, ...]
    plan: str = ""
