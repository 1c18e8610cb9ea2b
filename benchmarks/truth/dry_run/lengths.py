"""How long the batches are that PEFT's comparison trains on, from the three figures that are known of its data.

The comparison (method_comparison/MetaMathQA, run.py and utils.py) takes 20,000 samples in buckets of twenty batches, each
bucket sorted from long to short, and pads every batch to its longest sample. A sample has 210 tokens on average. With the
longest of all, which a row names, these figures leave one log-normal distribution, and its quantiles are the lengths.
Nothing is fitted to a measured figure.
"""

from __future__ import annotations

from math import exp, log, sqrt
from statistics import NormalDist

SAMPLES = 20_000
BATCHES_A_BUCKET = 20
MEAN_TOKENS = 210
FEWEST_TOKENS = 8


def bucket(longest: int, batch: int) -> tuple[int, ...]:
    """Padded lengths of a usual bucket's batches, longest first. longest: of all samples. batch: rows of a batch.

    With z the quantile of the longest of all: log(longest / mean) = spread × z − spread² / 2.
    """
    z = NormalDist().inv_cdf(1 - 0.5 / SAMPLES)
    spread = max(z - sqrt(max(z * z - 2 * log(longest / MEAN_TOKENS), 0.0)), 0.0)
    median = MEAN_TOKENS * exp(-spread * spread / 2)
    samples = BATCHES_A_BUCKET * batch
    ranks = (i * batch for i in range(BATCHES_A_BUCKET))
    quantiles = (NormalDist().inv_cdf(1 - (rank + 0.5) / samples) for rank in ranks)
    return tuple(max(round(median * exp(spread * q)), FEWEST_TOKENS) for q in quantiles)
