"""Build readers with other options, which share their networks; the last few are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from ocr.reader import Reader
from ocr.web.errors import ServiceError

KEPT = 8
"""Readers kept beside the service's own."""


class Variant(NamedTuple):
    """Options of `ocr.load` that a request may set.

    Attributes:
        vertical: As in `ocr.load`.
        languages: Likewise.
        allowed: Likewise.
        lexicon: Its words.
    """

    vertical: bool = False
    languages: str | None = None
    allowed: str | None = None
    lexicon: tuple[str, ...] | None = None


Build = Callable[[Variant], Reader]


class Readers:
    """The readers of a service; threads share them.

    Args:
        usual: That for requests that ask for nothing else.
        build: Makes one for a variant; None refuses them.
    """

    def __init__(self, usual: Reader, build: Build | None = None) -> None:
        self.usual = usual
        self._build = build
        self._kept: OrderedDict[Variant, Reader] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, variant: Variant) -> Reader:
        """The reader of a variant.

        Raises:
            ServiceError: "bad_option": there is none such.
        """
        if variant == Variant():
            return self.usual
        if self._build is None:
            raise ServiceError(
                "bad_option",
                "this service reads with its own reader alone: leave out vertical, languages, allowed and lexicon",
            )
        with self._lock:
            reader = self._kept.pop(variant, None)
            if reader is None:
                try:
                    reader = self._build(variant)
                except ValueError as error:
                    raise ServiceError("bad_option", str(error)[:500]) from error
            self._kept[variant] = reader
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return reader
