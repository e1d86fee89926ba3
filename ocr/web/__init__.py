"""Serve a web page and an HTTP interface that read pictures and PDFs: `python -m ocr.web`."""
