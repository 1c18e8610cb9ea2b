"""Everything on one device. Where that device is the CPU, its memory is the computer's own."""

from __future__ import annotations

from dataclasses import dataclass

from planner.draft import Draft
from planner.ledger import DEVICE, HOST
from planner.options import option
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import ScriptPart


@dataclass(frozen=True)
class OneDeviceOptions:
    device: str = option("cpu", "Device", "Which device computes: cpu, cuda:0, mps, …")


class PlacementOneDevice:
    slot = Slot.PLACEMENT
    name = "one_device"
    label = "one device"
    summary = "All bytes lie where the run computes."
    reference = "https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.device"
    twin = ""
    Options = OneDeviceOptions

    def problems(self, plan: Plan, options: OneDeviceOptions) -> list[Problem]:
        if plan.machine.device(options.device) is None:
            known = ", ".join(d.id for d in plan.machine.devices)
            return [
                Problem(
                    "placement.no_such_device",
                    f"{plan.machine.name} has no device {options.device!r}.",
                    f"Choose one of: {known}.",
                )
            ]
        return []

    def apply(self, options: OneDeviceOptions, draft: Draft) -> Draft:
        if draft.device != "cpu":
            return draft
        return draft._replace(lines=tuple([x.at(HOST) if x.place is DEVICE else x for x in draft.lines]))

    def script(self, options: OneDeviceOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(arguments=(("use_cpu", options.device == "cpu"),))
