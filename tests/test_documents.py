"""What a newcomer reads is true of the tree: paths that are named exist, and so do the targets of make."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import planner

ROOT = Path(planner.__file__).parent.parent
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
FLOORS = ("app/", "planner/", "backends/", "assets/", "tests/", "docs/", "scripts/", "benchmarks/")


def _named(page: str) -> list[str]:
    """Paths in backticks and links; `<...>` and `*` stand for any name."""
    text = (ROOT / page).read_text(encoding="utf-8")
    code = [word for span in re.findall(r"`([^`\n]+)`", text) for word in span.split()]
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    return [p for p in code if p.startswith(FLOORS)] + links


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_named_exists(page: str) -> None:
    named = _named(page)
    assert named
    assert [p for p in named if not list(ROOT.glob(re.sub(r"<[^>]*>", "*", p)))] == []


def test_every_target_of_make_that_is_named_has_a_rule() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    told = [t for page in PAGES for t in re.findall(r"\bmake ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8"))]
    assert {"run", "test"} <= set(told)
    assert set(phony) == rules
    assert {t for t in told if t not in rules} <= {"and"}  # "Python and make and …" is a sentence
