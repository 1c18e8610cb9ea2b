"""What is said of a card, held against the card: `python -m benchmarks.gpu_check`, for a day when one is at hand.

Each check is a row of its own with what it found; one that fails stops no other. Nothing in here is measured by the
planner, and nothing that is found here is fitted. Without a card the same plans run on the CPU, and what needs a card
says that it was not run.
"""
