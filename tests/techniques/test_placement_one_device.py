"""One device: on the CPU its bytes are the computer's, on a card they stay there, and it must exist."""

from __future__ import annotations

import pytest

from planner.drafting import draft
from planner.ledger import DEVICE, DISK, HOST
from planner.techniques.placement_one_device import OneDeviceOptions, PlacementOneDevice
from tests.planner.test_estimate import ON_CARD, machine, plan

PLACEMENT = PlacementOneDevice()


def test_the_cpu_moves_every_line_of_the_device_and_no_other() -> None:
    before = draft(plan(ON_CARD))
    assert {x.place for x in before.lines} == {DEVICE, HOST, DISK}
    after = PLACEMENT.apply(OneDeviceOptions(), before._replace(device="cpu"))
    moved = {DEVICE: HOST, HOST: HOST, DISK: DISK}
    assert [x.place for x in after.lines] == [moved[x.place] for x in before.lines]


@pytest.mark.parametrize("kind", ["cuda", "rocm", "mps"])
def test_beside_any_other_device_nothing_moves(kind: str) -> None:
    before = draft(plan(ON_CARD))._replace(device=kind)
    assert PLACEMENT.apply(OneDeviceOptions("cuda:0"), before).lines == before.lines


def test_a_device_that_is_not_there_is_named_beside_those_that_are() -> None:
    (problem,) = PLACEMENT.problems(plan(), OneDeviceOptions("cuda:9"))
    assert "'cuda:9'" in problem.fact
    assert all(device.id in problem.advice for device in machine().devices)
    assert not any(PLACEMENT.problems(plan(), OneDeviceOptions(device.id)) for device in machine().devices)


@pytest.mark.parametrize(("device", "on_cpu"), [("cpu", True), ("cuda:0", False)])
def test_the_trainer_uses_the_cpu_only_when_told(device: str, on_cpu: bool) -> None:
    assert dict(PLACEMENT.script(OneDeviceOptions(device), plan()).arguments) == {"use_cpu": on_cpu}
