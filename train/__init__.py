"""Train, generate data and evaluate."""
