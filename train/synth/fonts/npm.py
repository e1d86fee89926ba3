"""Fetch packages of the npm registry with the npm client as it is configured, and check them."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path


class FetchError(RuntimeError):
    """A package could not be fetched, or is not the one that was listed."""


def integrity(path: Path) -> str:
    """Return the sha512 of a file in npm's form."""
    digest = hashlib.sha512(path.read_bytes()).digest()
    return "sha512-" + base64.b64encode(digest).decode()


def fetch_tarball(package: str, version: str, expected: str, folder: Path) -> Path:
    """Return the tarball of a package in `folder`, fetched where it does not lie there yet.

    Raises:
        FetchError: there is no npm client, it fails, or the tarball's hash is another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package.removeprefix('@').replace('/', '-')}-{version}.tgz"
    if path.exists() and integrity(path) == expected:
        return path
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{package}@{version}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise FetchError("no npm client; on Debian: apt-get install npm") from error
    if done.returncode or not path.exists():
        raise FetchError(
            f"{' '.join(command)} failed with {done.returncode}: {done.stderr.strip()[-300:]}"
        )
    found = integrity(path)
    if found != expected:
        path.unlink()
        raise FetchError(f"{package}@{version} has the hash {found}, listed is {expected}")
    return path


def file_names(tarball: Path) -> list[str]:
    """Return the paths of the files inside a tarball."""
    with tarfile.open(tarball) as archive:
        return [member.name for member in archive.getmembers() if member.isfile()]


def read_files(tarball: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Read files of a tarball into memory: nothing is unpacked to a place that the tarball chooses."""
    wanted, found = set(names), {}
    with tarfile.open(tarball) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.name in wanted else None
            if stream is not None:
                found[member.name] = stream.read()
    return found
