"""The window's pages, in the rail's order: (title, icon), and their numbers."""

from __future__ import annotations

PAGES = (
    ("Plan", "plan"),
    ("Explore", "explore"),
    ("Run", "run"),
    ("Runs", "runs"),
    ("Trust", "trust"),
    ("Watch", "watch"),
)
PLAN, EXPLORE, RUN, RUNS, TRUST, WATCH = range(len(PAGES))
