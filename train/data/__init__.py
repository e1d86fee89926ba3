"""Samples, readers and batches."""
