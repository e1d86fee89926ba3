"""Command line of `python -m ocr.bulk`; its functions live in `job`, so that Ray sends them to workers by name."""

import sys

from ocr.bulk.job import main

if __name__ == "__main__":
    sys.exit(main())
