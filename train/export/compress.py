"""Compress a weight file of a manifest with xz; what is read then is the compressed file.

    python -m train.export.compress weights/vgg16-reference.onnx

It writes NAME.xz beside NAME and changes the manifest's row. NAME stays, to be deleted by hand: it would be read in
place of NAME.xz where a file is named, as `--init` does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
from collections.abc import Sequence
from pathlib import Path

from common.files import replace_when_written
from ocr.weights.file import XZ
from train.loop.run import write_json

FILTERS = [
    {
        "id": lzma.FILTER_LZMA2,
        "preset": 9 | lzma.PRESET_EXTREME,
        "dict_size": 16
        * 2**20,  # what reading takes in memory; the preset's 64 MiB find no more in our files
    }
]
"""The same file in gives the same bytes out, by one version of liblzma."""


def compress(path: Path) -> Path:
    """Write a file's compressed one beside it, and have the manifest there name that.

    Models that share arrays with the file are noted as made with the compressed one: its content is the same.

    Raises:
        ValueError: the manifest does not list the file with this content.
        OSError: one of the files cannot be read or written.
    """
    listed = path.with_name("manifest.json")
    manifest = json.loads(listed.read_text("utf-8"))
    content = path.read_bytes()
    before, out = hashlib.sha256(content).hexdigest(), path.with_name(path.name + XZ)
    rows = [row for row in manifest["models"] if row["file"] == path.name]
    if not rows or any(row["sha256"] != before for row in rows):
        raise ValueError(
            f"{listed} does not list {path.name} with SHA-256 {before}; export the model again, or restore the file"
        )
    small = lzma.compress(content, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=FILTERS)
    with replace_when_written(out) as partial:
        partial.write_bytes(small)
    after = hashlib.sha256(small).hexdigest()
    for row in rows:
        row |= {"file": out.name, "sha256": after, "bytes": len(small)}
    for row in manifest["models"]:
        if row.get("shares_sha256") == before:
            row["shares_sha256"] = after
    write_json(listed, manifest)
    return out


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and compress."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="an exported model beside its manifest")  # fmt: skip
    args = parser.parse_args(argv)
    try:
        out = compress(args.file)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(f"{out}: {out.stat().st_size} of {args.file.stat().st_size} bytes; delete {args.file}")


if __name__ == "__main__":
    main()
