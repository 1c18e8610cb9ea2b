"""The planner's formulas against memory that other people measured: `python -m benchmarks.truth ROWS.jsonl`.

A published row is split in three before anything is computed: what was run (`Row`, all that a prediction may see),
whose row it is (`Label`) and what was measured (`Measured`). So no formula can lean on a name or on an answer.
"""
