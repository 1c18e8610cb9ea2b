"""Weights as they lie in memory: packed formats, a loaded model's lines, and what blocks on a card cost beside them."""
