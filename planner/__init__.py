"""Pure arithmetic and plain data: what a plan is, what it needs, what a run is told and what it reports.

Nothing here imports torch, transformers, Qt, `app` or `backends`. Only `planner.probe` looks at the machine.
"""

PRODUCT = "plimsoll-planner"
