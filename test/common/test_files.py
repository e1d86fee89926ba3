"""Files appear whole or not at all: on a full disk, after an error, and with the longest names."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from common.files import replace_when_written


def test_contents_are_at_the_path_after_the_block_only(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with replace_when_written(path) as partial:
        partial.write_bytes(b"new")
        assert not path.exists()
        assert partial.parent == tmp_path  # a rename between two disks would be a copy
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), replace_when_written(path) as partial:
        partial.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_a_disk_that_is_full_when_the_bytes_are_sent_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:  # as NFS and quotas report it: not at the write
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"), replace_when_written(path) as partial:
        partial.write_bytes(b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_bytes_are_on_the_disk_before_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    seen: list[bool] = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (seen.append(path.exists()), fsync(fd)))
    with replace_when_written(path) as partial:
        partial.write_bytes(b"new")
    assert seen[0] is False


@pytest.mark.parametrize("name", ["一" * 82 + ".txt", "a" * 255])
def test_names_as_long_as_the_file_system_takes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with replace_when_written(path) as partial:
        partial.write_bytes(b"new")
    assert path.read_bytes() == b"new"


def test_nothing_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replace_when_written(tmp_path / "a.bin"):
        pass
    assert list(tmp_path.iterdir()) == []
