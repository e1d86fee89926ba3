"""Open what comes in: pictures, PDFs, folders."""
