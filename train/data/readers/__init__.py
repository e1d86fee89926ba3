"""Readers: a labelled folder becomes an iterator of samples."""
