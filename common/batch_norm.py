"""Fix the numbers of every batch norm, the same in both frameworks and where norms are folded."""

EPS = 1e-5
"""Added to the variance."""

MOMENTUM = 0.1
"""Share of the new batch in the running statistics, as PyTorch counts it; Keras counts the share of the old ones."""
