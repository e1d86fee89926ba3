"""Batches of a training, made from rendered and real samples."""
