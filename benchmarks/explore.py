"""How many plans are looked at in which time: `python -m benchmarks.explore [--json]`.

An 8B model on a 24 GB card, 5,000 rows of 40 to 4,096 tokens: every combination of techniques, each with every rank, batch and
length. The first search of a process is the one that counts, with nothing worked out before; later ones are printed beside
it. Seconds are of the one thread that searches, on its own CPU time; what was found is held against estimates made one
by one. Goals: 100,000 valid plans over 400 combinations of techniques in a second.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time

from planner.estimate import Verdict, estimate
from planner.explore.explored import DOES_NOT_FIT, FITS, TIGHT, Explored
from planner.explore.search import explore
from planner.facts.data import DataFacts
from planner.facts.gpus import other_machine
from planner.facts.model import catalogue
from planner.plan import Plan
from planner.presets import default_plan

MODEL, CARD = "meta-llama/Llama-3.1-8B", "NVIDIA GeForce RTX 4090"
GOAL_PLANS, GOAL_STRUCTURES, GOAL_S = 100_000, 400, 1.0
SAMPLES = 200
ROWS = 5_000
VERDICTS = {Verdict.FITS: FITS, Verdict.TIGHT: TIGHT, Verdict.DOES_NOT_FIT: DOES_NOT_FIT}


def planned() -> Plan:
    lengths = tuple(40 + 37 * i % 4057 for i in range(ROWS))
    data = DataFacts("rows", "", "messages", ROWS, 0, "rows", lengths, "counted")
    return default_plan(catalogue.find(MODEL), data, other_machine(CARD))


def searched(plan: Plan) -> tuple[Explored, float]:
    """What was found, and the process's own seconds."""
    began = time.process_time()
    found = explore(plan)
    return found, time.process_time() - began


def differing(found: Explored, samples: int) -> int:
    """How many of so many random plans have other figures than their estimate."""
    drawn = random.Random(17)
    verdicts, wrong = found.verdicts(), 0
    for i in drawn.sample(range(len(found)), min(samples, len(found))):
        one = estimate(found.plan(i))
        tier = one.tiers[0]
        here = (found.low[i], found.peak[i], found.high[i], verdicts[i])
        wrong += here != (tier.low_bytes, tier.peak_bytes, tier.high_bytes, VERDICTS[one.verdict])
    return wrong


def main(arguments: list[str] | None = None) -> int:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--json", action="store_true", help="the last line is one JSON object")
    given = reader.parse_args(arguments)
    plan = planned()
    found, seconds = searched(plan)
    later = min(searched(plan)[1] for _ in range(3))
    plans = {found.space.structures[s].settings for s in set(found.structure.tolist())}
    distinct = len({(*key,) for key in zip(found.structure, found.rank, found.point, strict=True)})
    assert distinct == len(found), "a plan was counted twice"
    wrong = differing(found, SAMPLES)
    result = {
        "combinations": found.space.combinations,
        "structures": len(plans),
        "valid": len(found),
        "invalid": found.invalid_plans,
        "seconds": round(seconds, 3),
        "combinations_per_s": round(found.space.combinations / seconds),
    }
    print(f"{MODEL} on {CARD}: {len(found):,} valid plans of {len(plans):,} combinations of techniques")
    print(f"first search {seconds:.3f} s, later ones {later:.3f} s; {wrong} of {SAMPLES} estimates differ")
    for invalid in found.invalid:
        print(f"not valid: {invalid.plans:,} plans: {invalid.problem.fact}")
    if given.json:
        print(json.dumps(result))
    reached = len(found) >= GOAL_PLANS and len(plans) >= GOAL_STRUCTURES and seconds < GOAL_S and not wrong
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
