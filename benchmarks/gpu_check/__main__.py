"""Runs the checks one after the other, prints a table, writes the device's result file. Exit code 1 if any failed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.gpu_check import row
from benchmarks.gpu_check.cases import CASES, Case
from benchmarks.gpu_check.checks import capacity, driver, export, out_of_memory, plans
from benchmarks.gpu_check.results import NEVER, Results, file_for, ran_on_a_card
from benchmarks.gpu_check.row import Row
from benchmarks.gpu_check.setting import Setting
from planner.facts.machine import Device, MachineFacts
from planner.probe import machine
from planner.units import words

Check = tuple[str, Callable[[], Row]]
TRIES = 4
EXPORTED = ("lora", "lora on 4 bits")
REPLAYED = ("full, float32, checkpointing, tiles", "random, full, checkpointing")
TRACED = ("lora", "lora on 4 bits", *REPLAYED)


def checks(setting: Setting, results: Results) -> Iterator[Check]:
    """Every check by the name of its row, in the order in which they lean on each other."""

    def plan_rows() -> list[Row]:
        return [r for name, r in results.rows.items() if name.startswith("plan: ")]

    by_name = {case.name: case for case in CASES}
    for case in CASES:
        yield f"plan: {case.name}", partial(plans.check, setting, case)
    for name in EXPORTED:
        yield f"export: {name}", partial(_export, setting, by_name[name], results)
    for name in TRACED:
        yield f"dry run: {name}", partial(capacity.dry_run, setting, by_name[name])
    for name in REPLAYED:
        yield f"allocator: {name}", partial(capacity.reserved, setting, by_name[name], expandable=False)
        expandable = partial(capacity.reserved, setting, by_name[name], expandable=True)
        yield f"allocator, expandable segments: {name}", expandable
        yield f"capacity: {name}", partial(capacity.check, setting, by_name[name])
    yield out_of_memory.NAME, partial(out_of_memory.check, setting)
    yield driver.NAME, lambda: driver.check(setting, plan_rows())


def _export(setting: Setting, case: Case, results: Results) -> Row:
    return export.check(setting, case, results.rows.get(f"plan: {case.name}"))


def run(setting: Setting, results: Results, only: list[str]) -> None:
    """All checks whose name holds one of the words in `only`; each prints its line when it is done."""
    for name, check in checks(setting, results):
        if only and not any(word in name for word in only):
            continue
        found = results.kept(name)
        again = "" if found is None else " (kept)"
        if found is None:
            began = time.monotonic()
            try:
                found = check()
            except Exception as error:  # a failing check must not stop the rest
                traceback.print_exc()
                found = row.of(name, False, f"{type(error).__name__}: {error}")
            assert found.name == name, (found.name, name)
            seconds = found.seconds or round(time.monotonic() - began, 1)
            found = replace(found, commit=results.commit, seconds=seconds)
            results.add(found)
        print(f"{found.state:8} {found.name:48} {found.seconds:6.0f} s  {found.says}{again}", flush=True)


def chosen(here: MachineFacts, wanted: str) -> Device | None:
    """The device of that id or kind; without a word the accelerator with the most free memory, else the CPU."""
    if wanted:
        return next((d for d in here.devices if wanted in (d.id, d.kind)), None)
    return max(here.devices, key=lambda d: (d.kind != "cpu", d.free_bytes), default=None)


def _seen() -> MachineFacts:
    """This computer. A probe cut off on a busy one is asked again: unknown memory is not no memory."""
    found = machine()
    for _ in range(TRIES):
        if found.ram_total_bytes and found.disk_free_bytes:
            break
        found = machine()
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_check", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="", help="cuda:0, cuda, rocm, mps or cpu; without it the best there is")
    parser.add_argument("--only", action="append", default=[], metavar="WORDS", help="checks whose name holds this")
    parser.add_argument("--quick", action="store_true", help="the two-layer model in place of the example, two steps")
    parser.add_argument("--fresh", action="store_true", help="make every row anew")
    parser.add_argument("--work", type=Path, help="a folder for models and runs, kept; without it a temporary one")
    parser.add_argument("--out", type=Path, help="the result file; without it the device's own among the results")
    given = parser.parse_args(arguments)
    here = _seen()
    device = chosen(here, given.device)
    if device is None:
        print(f"No device {given.device!r} here. There are: {', '.join(d.id for d in here.devices)}.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="gpu-check-", ignore_cleanup_errors=True) as made:
        setting = Setting(here, device, (given.work or Path(made)).absolute(), given.quick)
        results = Results(setting, given.out or file_for(device.kind, device.name), fresh=given.fresh)
        print(f"{device.name} ({device.id}), {words(device.free_bytes)} of {words(device.total_bytes)} free.")
        if not setting.on_card:
            print(
                "No card is checked: what needs one is listed and not run." + ("" if ran_on_a_card() else f" {NEVER}.")
            )
        run(setting, results, given.only)
    print(f"{results.failed} failed of {len(results.rows)}. Written to {results.path}.")
    return 1 if results.failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
