"""Read the `tf.train.Example`s of TensorFlow's record files without TensorFlow.

A record is its length (8 bytes, little endian), a masked CRC-32C of those, the data, and a masked CRC-32C of
it. The framing is our own so that each loss has a place and one bad record costs no others; the checksums and the
message are left to google-crc32c and protobuf.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.data.readers.report import Report

MAX_RECORD = 1 << 28
"""Longest record read, in bytes; no picture of a line comes near."""

_MASK = 0xA282EAD8


def read_examples(path: Path, report: Report, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (place:record number, features by name), each feature a list of bytes, numbers, or nothing.

    A record whose data is damaged is skipped; after a damaged length nothing more of the file can be found.

    Raises:
        ModuleNotFoundError: google-crc32c or protobuf is not installed.
    """
    checksum, example = _packages()
    for where, data in _records(path, report, place, checksum):
        try:
            message = example.FromString(data)
        # The exception's class is google.protobuf.message.DecodeError, in every implementation a ValueError or not.
        except Exception as error:
            report.skip(where, f"damaged record: {type(error).__name__}")
            continue
        features = message.features.feature
        yield where, {name: _values(features[name]) for name in features}


def _records(path: Path, report: Report, place: str, checksum: Any) -> Iterator[tuple[str, bytes]]:
    number = 0
    try:
        with path.open("rb") as stream:
            if not stream.read(1):
                report.skip(place, "empty label file")
            stream.seek(0)
            while head := stream.read(12):
                number += 1
                where = f"{place}:{number}"
                if (
                    len(head) < 12
                    or _masked(checksum(head[:8])) != struct.unpack("<I", head[8:])[0]
                ):
                    report.skip(where, "damaged record: its length; the rest of the file is lost")
                    return
                (length,) = struct.unpack("<Q", head[:8])
                if length > MAX_RECORD:
                    report.skip(
                        where, f"damaged record: {length} bytes; the rest of the file is lost"
                    )
                    return
                data = stream.read(length + 4)
                if len(data) < length + 4:
                    report.skip(where, f"damaged record: the file ends within it ({path.name})")
                    return
                if _masked(checksum(data[:length])) != struct.unpack("<I", data[length:])[0]:
                    report.skip(where, "damaged record: its checksum is wrong")
                    continue
                yield where, data[:length]
    except OSError as error:
        report.skip(f"{place}:{number}", f"unreadable: {error}")


def _masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def _values(feature: Any) -> list[Any]:
    kind = feature.WhichOneof("kind")
    return list(getattr(feature, kind).value) if kind else []


def _packages() -> tuple[Any, Any]:
    """The checksum's function and the class of `tf.train.Example`."""
    try:
        import google_crc32c
        from google.protobuf import descriptor_pool, message_factory
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "reading TFRecords needs google-crc32c and protobuf: "
            "pip install -r requirements-train.txt"
        ) from error
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_schema())
    found = pool.FindMessageTypeByName("ocr.Example")
    return google_crc32c.value, message_factory.GetMessageClass(found)


def _schema() -> Any:
    """The message's definition, in a pool of our own: TensorFlow's, if loaded, has it under its own name."""
    from google.protobuf import descriptor_pb2

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="ocr/example.proto", package="ocr", syntax="proto3"
    )

    def add(name: str, fields: list[tuple[str, int, int, str, bool]]) -> Any:
        message = file.message_type.add(name=name)
        for field, number, kind, of, repeated in fields:
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            message.field.add(
                name=field, number=number, type=kind, type_name=of or None, label=label
            )
        return message

    add("BytesList", [("value", 1, kinds.TYPE_BYTES, "", True)])
    add("FloatList", [("value", 1, kinds.TYPE_FLOAT, "", True)])
    add("Int64List", [("value", 1, kinds.TYPE_INT64, "", True)])
    lists = [
        ("bytes_list", 1, "BytesList"),
        ("float_list", 2, "FloatList"),
        ("int64_list", 3, "Int64List"),
    ]
    feature = add(
        "Feature", [(name, i, kinds.TYPE_MESSAGE, f".ocr.{of}", False) for name, i, of in lists]
    )
    feature.oneof_decl.add(name="kind")
    for field in feature.field:
        field.oneof_index = 0
    features = add("Features", [("feature", 1, kinds.TYPE_MESSAGE, ".ocr.Features.Entry", True)])
    entry = features.nested_type.add(name="Entry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    entry.field.add(
        name="value",
        number=2,
        type=kinds.TYPE_MESSAGE,
        type_name=".ocr.Feature",
        label=kinds.LABEL_OPTIONAL,
    )
    add("Example", [("features", 1, kinds.TYPE_MESSAGE, ".ocr.Features", False)])
    return file
