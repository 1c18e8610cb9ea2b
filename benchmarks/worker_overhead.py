"""What the worker costs beside a plain TRL script of the same run: tokens per second and peak memory.

Both do the same steps on the same data, in turns, each in a process of its own and with the same environment. Each
step counts with its fastest round, so that a slow moment of the machine does not decide. Memory is read from outside,
the same way for both. Goals: ratio ≥ 0.98, extra ≤ 3 %. Beside them, the plain script once more without the worker's
lean environment: what following live tensors costs in time and saves in memory. That has no goal.
"""

# ruff: noqa: E402 - the path has to be set first

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for the tests' small plans, which no installation holds

from planner.assets import asset
from planner.run import home
from planner.run.environment import LEAN
from planner.run.events import Step
from planner.run.journal import read_all, steps
from planner.run.start import environment, start
from planner.units import words
from tests.small_run import small_plan, write_run

SKIP = 2  # the first steps warm caches up
PLAIN = ROOT / "tests" / "plain_trl.py"


def watch(pid: int) -> int:
    """Peak anonymous memory of a process until it ends, read fifty times a second."""
    peak = 0
    while True:
        try:
            text = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return peak
        if "RssAnon:" not in text:
            return peak  # it has ended and waits to be collected
        peak = max(peak, int(text.split("RssAnon:")[1].split()[0]) * 1024)
        time.sleep(0.02)


def worker_once(run_dir: Path) -> tuple[list[float], list[str], int]:
    """(seconds per step, losses, peak bytes)."""
    peak = watch(start(run_dir))
    taken: list[Step] = steps(read_all(run_dir, over=True).events)
    tokens = [s.tokens - (taken[i - 1].tokens if i else 0) for i, s in enumerate(taken)]
    return [t / s.tokens_per_s for t, s in zip(tokens, taken, strict=True)], [s.loss_hex for s in taken], peak


def plain_once(run_dir: Path, out: Path, *, lean: bool = True) -> tuple[list[float], list[str], int]:
    """The same of the plain script; lean: in the worker's environment."""
    command = [sys.executable, "-P", str(PLAIN), str(run_dir / "spec.json"), str(out)]
    env = {**environment(run_dir), "PYTHONPATH": str(ROOT)}
    if not lean:
        env = {name: value for name, value in env.items() if name not in LEAN}
    with (out.parent / f"{out.name}.log").open("wb") as log:
        child = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        peak = watch(child.pid)
        assert child.wait() == 0, Path(log.name).read_text()[-2000:]
    rows = [json.loads(line) for line in (out / "losses.jsonl").read_text().splitlines()]
    return [r["s"] for r in rows], [r["loss_hex"] for r in rows], peak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=home.example_model_dir())
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        base = Path(folder)
        schedule = {"micro_batch": 4, "max_length": 128, "max_steps": given.steps, "save_steps": 10_000}
        plan = small_plan(given.model, asset("sample", "questions.jsonl"), **schedule, threads=given.threads)
        fastest: dict[str, list[float]] = {}
        extra = []
        for turn in range(given.rounds):
            run_dir, out = base / f"run{turn}", base / f"plain{turn}"
            out.mkdir()
            write_run(run_dir, plan, sample_prompt="")
            pair = [("worker", partial(worker_once, run_dir)), ("plain", partial(plain_once, run_dir, out))]
            done = {name: once() for name, once in (pair if turn % 2 else pair[::-1])}
            assert done["worker"][1] == done["plain"][1], "the losses differ"
            for name, (seconds, _, _) in done.items():
                fastest[name] = [min(pair) for pair in zip(seconds, fastest.get(name, seconds), strict=True)]
            extra.append(done["worker"][2] / done["plain"][2] - 1)
            said = [
                f"{name} {words(peak)}, {statistics.mean(s[SKIP:]):.3f} s a step" for name, (s, _, peak) in done.items()
            ]
            print(f"round {turn + 1}: {'; '.join(said)}", flush=True)
            if turn + 1 < given.rounds:
                shutil.rmtree(run_dir, ignore_errors=True)
        own = base / "own"
        own.mkdir()
        seconds, losses, peak = plain_once(run_dir, own, lean=False)
        assert losses == done["plain"][1], "the environment changed a loss"
        price = sum(fastest["plain"][SKIP:]) / sum(seconds[SKIP:])
        print(f"plain without the lean environment: {words(peak)}, {statistics.mean(seconds[SKIP:]):.3f} s a step")
        print(f"so leanness takes {price:.2f} times as long and {done['plain'][2] / peak:.2f} times the memory")
        ratio, more = sum(fastest["plain"][SKIP:]) / sum(fastest["worker"][SKIP:]), statistics.median(extra)
    ok = ratio >= 0.98 and more <= 0.03
    print(
        f"tokens/s, worker ÷ plain: {ratio:.4f} (goal ≥ 0.98); extra memory: {more:+.2%} (goal ≤ 3 %): {'ok' if ok else 'MISSED'}"
    )
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
