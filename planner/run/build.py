"""From a plan and its estimate to a RunSpec: everything a worker or a script needs, with no default left unsaid.

It starts nothing and makes no folder.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

from planner.estimate import Estimate, Tier
from planner.estimate_json import tier_to_json
from planner.plan import Plan
from planner.problem import ProblemError, fail
from planner.run.arguments import COLUMNS, computing_device, pinned_libraries, script_parts, trainer_arguments
from planner.run.spec import RunSpec


def run_spec(
    plan: Plan, estimate: Estimate, run_dir: Path | str, *, elsewhere: bool = False, job: str = "train"
) -> RunSpec:
    """The spec of a training run of `plan`'s stage, or of another job on it (dry_run, prove).

    elsewhere: to be exported or traced, so model and data may be absent.

    Raises ProblemError `model.not_on_disk`, `data.not_on_disk`, `data.unknown_form`, `data.no_prompts`,
    `plan.many_stages`, `machine.no_such_device`, or the estimate's first problem: what cannot be planned cannot be run.
    """
    if estimate.problems:
        raise ProblemError(estimate.problems[0])
    if len(plan.stages) != 1:
        raise fail("plan.many_stages", "This version runs plans of one stage.", "Split the plan into several.")
    if plan.data.form not in COLUMNS:
        known = ", ".join(COLUMNS)
        raise fail("data.unknown_form", f"{plan.data.name} is of the form {plan.data.form!r}.", f"Known: {known}.")
    if not elsewhere:
        _check_files(plan)
    stage = plan.stage
    return RunSpec(
        job=job,
        plan=plan,
        run_dir=str(run_dir),
        seed=stage.schedule.seed,
        threads=stage.schedule.threads or max(1, plan.machine.physical_cores),
        arguments=trainer_arguments(plan, stage),
        predicted=predicted(estimate, plan),
        sample_prompt=plan.data.sample_prompt,
        versions=library_versions(plan),
    )


def _check_files(plan: Plan) -> None:
    if not plan.model.path:
        raise fail(
            "model.not_on_disk",
            f"{plan.model.name} is known by its shape only; its weights are not on this computer.",
            "Fetch it with `plimsoll get-example`."
            if plan.model.source == "embedded"
            else "Choose a folder with config.json and .safetensors files: --set model=FOLDER.",
        )
    if not plan.data.path:
        raise fail("data.not_on_disk", f"{plan.data.name} has no file.", "Choose a file of rows: --set data=FILE.")


def main_tier(estimate: Estimate, plan: Plan) -> Tier | None:
    """The tier whose memory decides: the device's, or the host's when the CPU computes."""
    wanted = "host" if computing_device(plan).kind == "cpu" else "device"
    return next((t for t in estimate.tiers if t.place.tier == wanted), None)


def predicted(estimate: Estimate, plan: Plan) -> tuple[tuple[str, Any], ...]:
    """What was said before the run, kept with it: the deciding tier's figures flat, and all tiers beside them."""
    tier = main_tier(estimate, plan)
    figures: dict[str, Any] = {"verdict": estimate.verdict.value, "reason": estimate.reason}
    if tier is not None:
        flat = tier_to_json(tier)
        figures |= {"tier": tier.place.tier, **flat, "live_bytes": int(tier.live_bytes)}
        figures["moments"] = [{"phase": at.phase, "moment": at.moment, "live_bytes": int(n)} for at, n in tier.totals]
    figures["tiers"] = [tier_to_json(t) for t in estimate.tiers]
    return tuple(figures.items())


def library_versions(plan: Plan) -> tuple[tuple[str, str], ...]:
    """(library, version) as installed; the tested version where one is not installed (a planner without torch)."""
    brought = [library for _, part in script_parts(plan, plan.stage) for library in part.libraries]
    found = []
    for name, tested in (*pinned_libraries().items(), *brought):
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append((name, tested))
    return tuple(found)
