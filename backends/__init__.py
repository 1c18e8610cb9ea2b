"""What really runs: torch, transformers, PEFT and TRL, in a worker process of its own. Never imports `app`."""

PRODUCT = "plimsoll-planner"
