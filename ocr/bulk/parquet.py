"""Keep pages in Parquet files of a folder or bucket. Needs pyarrow."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from common.files import is_partial, replace_when_written
from ocr.files.documents import EXTENSIONS

SCHEMA = {
    "path": "string",
    "page": "int32",
    "width": "int32",
    "height": "int32",
    "angle": "int16",
    "angle_score": "float",
    "text": "string",
    "lines": "list",
    "elapsed_ms": "float",
    "error": "string",
}
"""Columns: what `Page` has, lines as structs of text, score and box (x, y of four corners in one list); and, in rows
without all that, why a page or, where `page` is null, a whole file could not be read."""

_PREFIX, _SUFFIX = "part-", ".parquet"


@dataclass(frozen=True)
class Location:
    """A folder, or one file, of a file system.

    Args:
        filesystem: Of pyarrow.
        path: There.
        prefix: What comes before paths to make them names: "" for this machine, "s3://" for a bucket.
    """

    filesystem: Any
    path: str
    prefix: str

    @property
    def is_local(self) -> bool:
        """Whether files may be opened as they are."""
        return not self.prefix

    def name(self, path: str) -> str:
        """What a path is called everywhere; bytes that are no UTF-8 are escapes there."""
        return (self.prefix + path).encode("utf-8", "backslashreplace").decode()

    @contextmanager
    def local(self, path: str) -> Iterator[Path]:
        """Give a file on this machine; one of a bucket is there until the block ends.

        Raises:
            OSError: It cannot be fetched.
        """
        if self.is_local:
            yield Path(path)
            return
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"input{PurePosixPath(path).suffix}"
            with self.filesystem.open_input_stream(path) as stream, file.open("wb") as copy:
                shutil.copyfileobj(stream, copy, 1 << 20)
            yield file


def find_place(address: str) -> Location:
    """Find the file system of a folder or of an address with "://".

    Raises:
        ValueError: Such addresses are not known.
        OSError: It cannot be reached.
    """
    from pyarrow import fs

    if "://" not in address:
        return Location(fs.LocalFileSystem(), str(Path(address).resolve()), "")
    filesystem, path = fs.FileSystem.from_uri(address)
    path = path.rstrip("/") or path
    if isinstance(filesystem, fs.LocalFileSystem):
        return Location(filesystem, path, "")
    return Location(filesystem, path, address.split("?")[0].rstrip("/").removesuffix(path))


def list_inputs(source: Location) -> list[str]:
    """Paths of the pictures and PDFs in a place, sorted; hidden ones are left out.

    Raises:
        FileNotFoundError: There is no such place, or there are none in it.
        OSError: It cannot be read.
    """
    from pyarrow import fs

    info = source.filesystem.get_file_info(source.path)
    if info.type == fs.FileType.File:
        return [source.path]
    # Buckets have no folders, only names with a common beginning.
    selector = fs.FileSelector(source.path, recursive=True, allow_not_found=True)
    paths = [
        info.path
        for info in source.filesystem.get_file_info(selector)
        if info.type == fs.FileType.File
        and not info.base_name.startswith(".")
        and f".{info.extension.lower()}" in EXTENSIONS
    ]
    if not paths:
        raise FileNotFoundError(f"{source.name(source.path)}: no pictures or PDFs there")
    return sorted(paths)


def done_inputs(target: Location) -> set[str]:
    """Names of all inputs that are in the parts of a place; makes the place, and clears away what is half written.

    Raises:
        OSError: A part cannot be read.
    """
    from pyarrow import fs

    target.filesystem.create_dir(target.path, recursive=True)
    for info in target.filesystem.get_file_info(fs.FileSelector(target.path)):
        if is_partial(info.base_name):
            target.filesystem.delete_file(info.path)
    parts = _parts(target)
    return set(_column(target, parts, "path").unique().to_pylist()) if parts else set()


def drop_failed(target: Location) -> None:
    """Take the inputs that had errors, with all their rows, out of the parts, so that they are read again.

    Raises:
        OSError: A part cannot be read or written.
    """
    from pyarrow import compute, parquet

    for part in _parts(target):
        errors = _column(target, [part], "error")
        if errors.null_count == len(errors):
            continue
        table = parquet.read_table(part, filesystem=target.filesystem)
        failed = table.filter(compute.field("error").is_valid())["path"]
        _save(target, part, table.filter(~compute.field("path").isin(failed)))


def write_part(target: Location, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write a part; one of that name is replaced.

    Raises:
        OSError: It cannot be written.
    """
    import pyarrow

    line = pyarrow.struct(
        [
            ("text", pyarrow.string()),
            ("score", pyarrow.float32()),
            ("box", pyarrow.list_(pyarrow.float32())),
        ]
    )
    types = {"list": pyarrow.list_(line)}
    schema = pyarrow.schema(
        [(key, types.get(kind) or pyarrow.type_for_alias(kind)) for key, kind in SCHEMA.items()]
    )
    table = pyarrow.Table.from_pylist(list(rows), schema)
    _save(target, f"{target.path}/{_PREFIX}{name}{_SUFFIX}", table)


def _save(target: Location, path: str, table: Any) -> None:  # noqa: ANN401
    """Write a file so that it is never seen half written."""
    import pyarrow
    from pyarrow import parquet

    buffer = pyarrow.BufferOutputStream()
    parquet.write_table(table, buffer, compression="zstd")
    content = buffer.getvalue()
    if target.is_local:
        with replace_when_written(Path(path)) as partial:
            partial.write_bytes(content)
        return
    # In a bucket a file appears once all of it has been sent.
    with target.filesystem.open_output_stream(path) as stream:
        stream.write(content)


def _parts(target: Location) -> list[str]:
    from pyarrow import fs

    found = target.filesystem.get_file_info(fs.FileSelector(target.path, allow_not_found=True))
    return sorted(
        info.path
        for info in found
        if info.base_name.startswith(_PREFIX) and info.base_name.endswith(_SUFFIX)
    )


def _column(target: Location, parts: Sequence[str], name: str) -> Any:  # noqa: ANN401
    from pyarrow import dataset

    found = dataset.dataset(list(parts), filesystem=target.filesystem, format="parquet")
    return found.to_table(columns=[name])[name]
