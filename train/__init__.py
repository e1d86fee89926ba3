"""Training, data and evaluation."""
