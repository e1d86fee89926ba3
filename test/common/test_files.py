"""Files appear whole or not at all: on a full disk, after an error, and with the longest names."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from common.files import replace_when_written


def test_file_appears_only_after_the_block(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with replace_when_written(path) as partial:
        partial.write_bytes(b"new")
        assert not path.exists()
        assert partial.parent == tmp_path  # a rename between two disks would be a copy
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_error_in_the_block_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), replace_when_written(path) as partial:
        partial.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_full_disk_at_fsync_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:  # as NFS and quotas report it: not at the write
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"), replace_when_written(path) as partial:
        partial.write_bytes(b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_file_is_synced_before_it_is_renamed(
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
def test_longest_possible_file_names_can_be_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with replace_when_written(path) as partial:
        partial.write_bytes(b"new")
    assert path.read_bytes() == b"new"


def test_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replace_when_written(tmp_path / "a.bin"):
        pass
    assert list(tmp_path.iterdir()) == []
