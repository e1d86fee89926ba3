"""What comes in: pictures, PDFs, folders."""
