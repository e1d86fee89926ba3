"""Print the samples of one LMDB file as frames: a program, run by `dtrb_lmdb`.

    python lmdb_records.py data.mdb 1

LMDB maps the file into memory and trusts it: a damaged or shortened one ends the process that reads it, so
that `dtrb_lmdb` reads through this one. A frame is `HEADER` (a kind, a number, two lengths) and two pieces of data:
picture and label of a sample, a length of -1 for what is missing; or a message.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import Any

HEADER = struct.Struct("<cQqq")
SAMPLE, NOTE, SHORT, FAULT, END = b"s", b"n", b"t", b"f", b"e"


def main() -> None:
    path, first, number = sys.argv[1], int(sys.argv[2]), 0
    try:
        import lmdb

        with lmdb.open(
            path, subdir=False, readonly=True, lock=False, readahead=False
        ) as environment:
            _tell_short(environment, path)
            entries = environment.stat()["entries"]
            with environment.begin() as transaction:
                for number in _numbers(transaction, first, entries):
                    image = transaction.get(b"image-%09d" % number)
                    label = transaction.get(b"label-%09d" % number)
                    _send(SAMPLE, number, image, label)
    # Whatever it is, the reading process tells it.
    except Exception as error:
        _send(FAULT, number, f"{type(error).__name__} {error}".encode("utf-8", "replace"))
        return
    _send(END, 0)


def _tell_short(environment: Any, path: str) -> None:
    """Say that the file is shorter than its pages: cut, or ending with pages that were never written."""
    with open(path, "rb") as stream:  # noqa: PTH123 (this program imports as little as it can)
        size = stream.seek(0, 2)
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if size < needed:
        _send(SHORT, 0, f"{size} bytes, expected {needed}; copy it anew".encode())


def _numbers(transaction: Any, first: int, entries: int) -> Iterator[int]:
    """Numbers of the samples, from 1; those of the labels found where the count is missing or cannot be."""
    count = transaction.get(b"num-samples")
    if count is not None and bytes(count).strip().isdigit() and int(bytes(count)) <= entries:
        yield from range(first, int(bytes(count)) + 1)
        return
    if first == 1:
        _send(NOTE, 0, b"no count: num-samples is missing or wrong; every label found is read")
    with transaction.cursor() as cursor:
        if not cursor.set_range(b"label-"):
            return
        for key in cursor.iternext(values=False):
            prefix, _, number = bytes(key).partition(b"-")
            if prefix != b"label" or not number.isdigit():
                return
            if int(number) >= first:
                yield int(number)


def _send(kind: bytes, number: int, first: bytes | None = b"", second: bytes | None = b"") -> None:
    lengths = [-1 if data is None else len(data) for data in (first, second)]
    sys.stdout.buffer.write(HEADER.pack(kind, number, *lengths) + (first or b"") + (second or b""))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
