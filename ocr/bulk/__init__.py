"""Read folders and buckets into Parquet on a Ray cluster: `python -m ocr.bulk`."""
