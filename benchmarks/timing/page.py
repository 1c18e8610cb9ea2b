"""The part of EXPERIMENTS.md that says how far the time model lies from real runs and from published training steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def section(found: dict[str, Any] | None) -> Iterator[str]:
    if found is None:
        return
    yield "## How long a step takes"
    yield ""
    yield from _cpu(found["cpu"])
    if found.get("published"):
        yield from _published(found["published"])
    yield "`python -m benchmarks.timing` runs what is not there yet and makes both tables anew; `--ship` writes the figures into `assets/timing.json`."
    yield ""


def _cpu(cpu: dict[str, Any]) -> Iterator[str]:
    alone, taught = cpu["leave_one_out"], cpu["taught_by_one"]
    yield (
        f"{alone['runs']} real runs of the worker on one thread of a CPU ({cpu['processor']}): the embedded model and four "
        "small random ones of other shapes, trained in different ways, 5 to 24 steps each, the first two not counted. A step is "
        "its time of the processor or of the clock, whichever is less, since the computer was shared. The model has "
        f"{len(cpu['figures'])} figures of the processor: products in 16 and in 32 bits, attention's in both, bytes written, "
        "bytes read, operations started. They come of one fit and are no datasheet: what goes on at once counts once, so a "
        "figure may exceed what a kernel alone reaches."
    )
    yield ""
    yield (
        f"**Each run predicted by figures fitted to all others: median error {alone['median_abs_pct']} %, nine of ten within "
        f"{alone['p90_abs_pct']} %, worst {alone['worst_abs_pct']} %.** As calibration does it, by such figures and one run that "
        f"taught (*{taught['teacher']}*): median {taught['median_abs_pct']} %, worst {taught['worst_abs_pct']} %. Both on the one "
        "processor that there was; of another one nothing is known here."
    )
    yield ""
    yield f"Commit {cpu['commit']}, Python {cpu['python']}, {_versions(cpu['versions'])}."
    yield ""
    yield "| run | a step | error, left out | error, taught by one | load | seconds |"
    yield "|---|---|---|---|---|---|"
    for cell in cpu["cells"]:
        taught_pct = "teaches" if cell["taught_pct"] is None else f"{cell['taught_pct']:+.1f} %"
        yield (
            f"| {cell['name']} | {cell['step_s']:.3f} s | {cell['leave_one_out_pct']:+.1f} % | {taught_pct} "
            f"| {cell['load_average']:.1f} | {cell['seconds']:.0f} |"
        )
    yield ""


def _published(of: dict[str, Any]) -> Iterator[str]:
    others, half = of["other_sources"], of["other_half"]
    yield (
        f"Cards were never run on here. {others['runs']} training steps that three projects published, on {of['cards']} cards, are "
        "the only check. Five figures (four of them shares of what a maker states) are fitted, from starting values that were set by hand with these rows in "
        f"sight, as were how strongly the fit is held to them and the caps that three have: {of['at_caps']} of the five ended at "
        "their caps, so they are no more than a guess at what kernels reach. Of their products 0.4 % at most are in float32: "
        "its speed on cards is held against nothing. "
        f"**Predicted by figures of the other two projects: median error {others['median_abs_pct']} %, nine of ten within "
        f"{others['p90_abs_pct']} %, worst {others['worst_abs_pct']} %**; by figures of every other row: median "
        f"{half['median_abs_pct']} %, worst {half['worst_abs_pct']} %. Left out is training of all weights under DeepSpeed "
        "(six rows), whose own work on the gradients is not computed. GPTQ's unpacking takes longer than is said; compiled "
        "runs are faster."
    )
    yield ""
    yield "| source | steps | median error | nine of ten within | worst | signed |"
    yield "|---|---|---|---|---|---|"
    for source, one in of["by_source"].items():
        yield (
            f"| {source} | {one['runs']} | {one['median_abs_pct']} % | {one['p90_abs_pct']} % | {one['worst_abs_pct']} % "
            f"| {one['median_pct']:+.1f} % |"
        )
    yield ""
    yield "| published step | card | measured | said | error by other projects' figures |"
    yield "|---|---|---|---|---|"
    for row in of["rows"]:
        yield f"| {row['id']} | {row['gpu']} | {row['measured_s']:.3f} s | {row['said_s']:.3f} s | {row['other_sources_pct']:+.1f} % |"
    yield ""


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(
        f"{name} {versions[name]}" for name in ("torch", "transformers", "peft", "trl") if name in versions
    )
