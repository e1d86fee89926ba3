"""Read moving pictures: `python -m ocr.live SOURCE`."""

from __future__ import annotations

import sys

from ocr.live.command import main

sys.exit(main())
