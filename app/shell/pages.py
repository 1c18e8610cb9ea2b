"""The window's pages, in the rail's order: (title, icon), and their numbers."""

from __future__ import annotations

PAGES = (("Plan", "plan"), ("Explore", "explore"), ("Run", "run"), ("Trust", "trust"), ("Watch", "watch"))
PLAN, EXPLORE, RUN, TRUST, WATCH = range(len(PAGES))
