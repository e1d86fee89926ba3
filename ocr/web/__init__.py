"""A web page and an HTTP service that read pictures and PDFs: `python -m ocr.web`."""
