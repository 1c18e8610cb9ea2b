"""Memory that runs out on purpose: what the run then says, and whether its text can be explained afterwards."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.gpu_check import row
from benchmarks.gpu_check.cases import EAGER, EXAMPLE, Case
from benchmarks.gpu_check.row import Row
from benchmarks.gpu_check.running import run
from benchmarks.gpu_check.setting import Setting
from planner.estimate import estimate
from planner.run.build import main_tier
from planner.units import MIB, words
from planner.why.explain import explain

CODE = "memory.out"
NAME = "out of memory: said and explained"
GREEDY = Case("out of memory", EXAMPLE, (EAGER,))
LEAST_ACTIVATIONS = 512 * MIB


def check(setting: Setting) -> Row:
    """A step gets half of what it needs beyond the weights. Loading goes well, the step does not."""
    rows, seq = setting.rows, max(setting.seq, 128)
    while True:
        plan = setting.plan(GREEDY, micro_batch=rows, max_length=seq)
        tier = main_tier(estimate(plan), plan)
        assert tier is not None
        loaded = max(size for at, size in tier.totals if at.phase in ("load", "sample"))
        if tier.live_bytes - loaded >= LEAST_ACTIVATIONS or rows >= 64:
            break
        rows *= 2
    limit = loaded + (tier.live_bytes - loaded) // 2
    ran = run(replace(plan, name=GREEDY.name), setting.work / "runs" / "out-of-memory", limit_bytes=limit)
    if ran.done or ran.problem is None:
        said = "it went all the same" if ran.done else f"no last word: {ran.log[-300:]}"
        return row.of(NAME, False, f"given {words(limit)} of {words(tier.live_bytes)}: {said}", ran.seconds)
    told = explain(ran.log, plan, setting.machine)
    reading = told.reading
    asked = reading.asked if reading else None
    free = reading.free if reading else None
    lacks = [
        *([] if ran.problem.code == CODE else [f"the Problem is {ran.problem.code}"]),
        *([] if ran.phase == "train" else [f"it ran out in {ran.phase!r}"]),
        *([] if asked else ["the text was not read: no bytes asked for"]),
        *([] if free is not None or not setting.on_card else ["the text was not read: nothing of what was free"]),
        *([] if told.moment else ["no moment was found"]),
        *([] if told.changes else ["no change is proposed"]),
    ]
    says = f"{ran.problem.fact} / explained: {told.headline}"
    return row.of(
        NAME,
        not lacks,
        "; ".join(lacks) or says,
        ran.seconds,
        problem=ran.problem.to_json(),
        phase=ran.phase,
        limit=limit,
        asked=asked,
        free=free,
        explained=[told.headline, *told.happened, *told.ledger, *told.disagrees],
        change=told.changes[0].title if told.changes else "",
    )
