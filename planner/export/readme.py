"""`README.md` of an export. Names and paths a person typed stand in it as code on one line, so they stay text."""

from __future__ import annotations

from planner.estimate import Estimate
from planner.export.rows import ROWS, carries_rows
from planner.export.source import one_line
from planner.facts.data import DataFacts
from planner.plan import Plan
from planner.run.environment import LEAN
from planner.run.spec import RunSpec
from planner.units import words

PAGE = """\
# A fine-tune as a script

{facts}

## Run it

```sh
python -m venv .venv && . .venv/bin/activate
pip install -r requirements.txt
python train.py
```

Other paths: `python train.py --model FOLDER --data FILE.jsonl --output FOLDER`. The result, `losses.jsonl` and the
checkpoints lie in the output folder. Nothing is sent anywhere; the libraries are told to stay offline.

## Same losses

The script uses the trainer class of the run and literal values for every default that moves a byte or a loss. With
the versions of `requirements.txt`, on the same kind of machine and with `THREADS = {threads}`, each step's loss equals
the run's to the last bit: compare `loss_hex` in `losses.jsonl` with the same field of the run's `events.jsonl`.
Other processors and other builds of torch sum in another order and differ in the last digits.

## Memory

{memory}

The run it came from had these variables set; with them, on Linux, process memory follows live bytes within a few per
cent. They change no loss:

```sh
{lean} \\
    python train.py
```

Without them the C library keeps freed memory for later and kernels pile up, up to half as much again.
`plan.json` is the plan; the planner opens it.
"""


def code(text: str) -> str:
    """`text` as inline code whatever it holds: on one line, fenced by more backticks than it has in a row."""
    shown = one_line(text)
    longest = max((len(run) for run in _runs(shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _runs(text: str) -> list[str]:
    return [run for run in "".join(c if c == "`" else " " for c in text).split() if run]


def _source(path: str, option: str) -> str:
    return f"read from {code(path)}" if path else f"not at hand when this was written: give `{option}`"


def _rows(data: DataFacts) -> str:
    if not carries_rows(data):
        return _source(data.path, "--data")
    columns = ", ".join(f"{code(column)} as {role}" for role, column in data.mapping.columns)
    return f"carried along in `{ROWS}` as they were trained on; made of {code(data.path)} ({columns})"


def readme(plan: Plan, spec: RunSpec, estimate: Estimate) -> str:
    """The text of README.md."""
    facts = "\n".join(
        (
            f"- Plan: {code(plan.name)}",
            f"- Model: {code(plan.model.name)}, {_source(plan.model.path, '--model')}",
            f"- Data: {code(plan.data.name)}, {plan.data.rows:,} rows, {_rows(plan.data)}",
            f"- Machine it was planned for: {code(plan.machine.name)}",
        )
    )
    needs = [
        f"Predicted peak of {t.name}: {words(t.peak_bytes)}, between {words(t.low_bytes)} and {words(t.high_bytes)}, "
        f"in {t.peak_at.phase} at {t.peak_at.moment}."
        for t in estimate.tiers
        if t.peak_at is not None
    ]
    lean = " \\\n    ".join(f"{name}={value}" for name, value in LEAN.items())
    # one pass over the template only: what a person typed is never a template itself
    return PAGE.format(facts=facts, threads=spec.threads, memory="\n".join(needs), lean=lean)
