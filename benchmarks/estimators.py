"""Other estimators beside ours, on the scored rows each accepts: `python -m benchmarks.estimators ROWS.jsonl`.

Each runs in an environment of its own (`make other-estimators` makes them; they need the network, the benchmark does not).
One that is not there is passed over in a sentence, and its last figures stay. Writes benchmarks/results/estimators.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.others import fitcheck, hf_mem
from benchmarks.others.ask import Question, ask
from benchmarks.provenance import ROOT, provenance
from benchmarks.truth.answer import Answer, Predicted, Refused
from benchmarks.truth.draft_of import predict
from benchmarks.truth.readings import T4_SOURCE, t4
from benchmarks.truth.report import rounded
from benchmarks.truth.row import Row
from benchmarks.truth.rows import Published, read_file
from benchmarks.truth.run import run
from benchmarks.truth.score import Answered, score, scored
from planner.problem import ProblemError

RESULT = ROOT / "benchmarks" / "results" / "estimators.json"


class Tool(NamedTuple):
    """own_source: the source whose rows the tool was calibrated on, scored apart."""

    name: str
    python: Path
    side: Path
    question: Callable[[Published], Question]
    answer: Callable[[Row, dict[str, Any]], Answer]
    own_source: str | None
    covers: str


TOOLS = (
    Tool(
        "FitCheck (fitcheck-llm)",
        ROOT / ".venv-fitcheck" / "bin" / "python",
        fitcheck.SIDE,
        fitcheck.question,
        fitcheck.answer,
        T4_SOURCE,
        "full and LoRA training, inference; dense gated decoders; one GPU",
    ),
    Tool(
        "hf-mem",
        ROOT / ".venv-hf-mem" / "bin" / "python",
        hf_mem.SIDE,
        hf_mem.question,
        hf_mem.answer,
        None,
        "weights of a published checkpoint and its KV cache; no training",
    ),
)

OPTIONS = {"fitcheck": TOOLS[0], "hf-mem": TOOLS[1]}


def compare(tool: Tool, python: Path, ours: Sequence[Answered]) -> dict[str, Any]:
    """Both on the rows the tool answers. Raises ProblemError when the tool is not there."""
    questions = [tool.question(one.published) for one in ours]
    began = time.perf_counter()
    told = ask(python, tool.side, questions)
    theirs = [
        Answered(
            one.published,
            tool.answer(one.published.row, told.answers[q.id]) if q.id in told.answers else Refused(q.cannot),
        )
        for one, q in zip(ours, questions, strict=True)
    ]
    accepted = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if isinstance(other.answer, Predicted)]
    own = [pair for pair in accepted if pair[0].published.label.repository == tool.own_source]
    elsewhere = [pair for pair in accepted if pair[0].published.label.repository != tool.own_source]
    found: dict[str, Any] = {
        "version": told.version,
        "covers": tool.covers,
        "seconds": round(time.perf_counter() - began, 2),
        "scored_rows": len(ours),
        "accepted": len(accepted),
        "cannot_be_asked": dict(Counter(q.cannot for q in questions if q.asked is None).most_common()),
        "refuses": dict(Counter(_short(a["refused"]) for a in told.answers.values() if "refused" in a).most_common()),
        "all_accepted": _both(accepted),
        "its_own_source": _both(own),
        "other_sources": _both(elsewhere),
        "by_source": {
            name: _both([p for p in accepted if p[0].published.label.repository == name])
            for name in sorted({p[0].published.label.repository for p in accepted})
        },
    }
    if own:
        found["t4"] = {"theirs": rounded(t4(o for _, o in own)), "ours": rounded(t4(m for m, _ in own))}
    return found


def _both(pairs: Sequence[tuple[Answered, Answered]]) -> dict[str, Any] | None:
    if not pairs:
        return None
    return {"theirs": rounded(score([o for _, o in pairs])), "ours": rounded(score([m for m, _ in pairs]))}


def _short(text: str) -> str:
    """The start of a refusal, without the model's own figures, so that like ones are counted together."""
    for mark, name in (
        ("disagreement of", "its parameter count disagrees with the model's"),
        ("Mixture-of-Experts", "mixture of experts"),
    ):
        if mark in text:
            return name
    return text[:120]


def results(path: Path, pythons: dict[str, Path]) -> dict[str, Any]:
    """What the file of results holds; prints a sentence for each tool that is not there."""
    began = time.perf_counter()
    ours = scored(run(read_file(path).rows, predict).answered)
    before = json.loads(RESULT.read_text(encoding="utf-8"))["tools"] if RESULT.is_file() else {}
    tools = {}
    for tool in TOOLS:
        try:
            tools[tool.name] = compare(tool, pythons.get(tool.name, tool.python), ours)
        except ProblemError as error:
            print(f"{tool.name} is passed over. {error}")
            if tool.name in before:
                tools[tool.name] = before[tool.name]
    return {**provenance(path), "seconds": round(time.perf_counter() - began, 2), "tools": tools}


def add_environments(parser: argparse.ArgumentParser) -> None:
    for option, tool in OPTIONS.items():
        parser.add_argument(f"--{option}", type=Path, metavar="PYTHON", help=f"of the environment that has {tool.name}")


def environments(asked: argparse.Namespace) -> dict[str, Path]:
    """The interpreters that were given, by the tool's name."""
    given = {tool.name: getattr(asked, option.replace("-", "_")) for option, tool in OPTIONS.items()}
    return {name: path for name, path in given.items() if path}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimators", description=__doc__)
    parser.add_argument("rows", type=Path, metavar="ROWS.jsonl")
    add_environments(parser)
    asked = parser.parse_args(arguments)
    found = results(asked.rows, environments(asked))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, tool in found["tools"].items():
        if both := tool["all_accepted"]:
            print(
                f"{name} {tool['version']}: {tool['accepted']} of {tool['scored_rows']} scored rows, median |error| "
                f"{both['theirs']['median_abs_pct']:.2f} %, ours on the same rows "
                f"{_figure(both['ours']['median_abs_pct'])}"
            )
    return 0


def _figure(value: float | None) -> str:
    return "none predicted" if value is None else f"{value:.2f} %"


if __name__ == "__main__":
    raise SystemExit(main())
