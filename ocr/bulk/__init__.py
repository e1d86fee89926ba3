"""Folders and buckets read into Parquet on a Ray cluster: `python -m ocr.bulk`."""
