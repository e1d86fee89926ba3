"""Fetching families: checked, whole or not there, and going on where it stopped."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("fontTools")
pytest.importorskip("brotli")

from train.synth.fonts import __main__ as program
from train.synth.fonts import npm
from train.synth.fonts.cache import cache_folder
from train.synth.fonts.families import Family
from train.synth.fonts.fetch import build_family, fetch, is_complete

MakeFont = Callable[..., bytes]
Publish = Callable[..., Family]


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of tarballs, and an npm client before the others that packs from it."""
    shelf, programs = tmp_path / "shelf", tmp_path / "programs"
    shelf.mkdir()
    programs.mkdir()
    client = programs / "npm"
    client.write_text(
        "#!/bin/sh\n"
        f'echo "$5" >> {shelf}/asked\n'
        'file=$(echo "$5" | sed "s/^@//; s#/#-#; s/@/-/").tgz\n'
        f'exec cp {shelf}/"$file" "$4"/\n'
    )
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return shelf


@pytest.fixture
def publish(registry: Path, make_font: MakeFont) -> Publish:
    """Puts a package with one face into the registry."""

    def publish(name: str, text: str = "AB", **fields: str) -> Family:
        path = registry / f"scope-{name}-1.0.0.tgz"
        piece = make_font(text, flavor="woff2")
        with tarfile.open(path, "w:gz") as archive:
            for file in (f"files/{name}-latin-400-normal.woff2", "README.md"):
                member = tarfile.TarInfo(f"package/{file}")
                member.size = len(piece)
                archive.addfile(member, io.BytesIO(piece))
        row = {"licence": "OFL-1.1", "script": "latin", "style": "sans", "use": "train", **fields}
        row.setdefault("integrity", npm.integrity(path))
        return Family(package=f"@scope/{name}", version="1.0.0", **row)

    return publish


def test_a_family_is_fetched_once(publish: Publish, registry: Path, tmp_path: Path) -> None:
    families = [publish("one"), publish("two", use="held-out")]
    cache = tmp_path / "cache"
    assert fetch(families, cache, workers=2) == []
    assert (cache / "train/one/one-400-normal.ttf").exists()
    assert (cache / "held-out/two/two-400-normal.ttf").exists()
    assert not list((cache / "tarballs").iterdir())
    source = json.loads((cache / "train/one/source.json").read_text("utf8"))
    assert (source["licence"], source["faces"]) == ("OFL-1.1", ["one-400-normal.ttf"])
    asked = (registry / "asked").read_text()
    assert sorted(asked.split()) == ["@scope/one@1.0.0", "@scope/two@1.0.0"]
    assert fetch(families, cache) == []
    assert (registry / "asked").read_text() == asked


def test_another_hash_is_refused_and_the_others_are_fetched(
    publish: Publish, tmp_path: Path
) -> None:
    wrong = publish("wrong", integrity="sha512-AAAA")
    failures = fetch([wrong, publish("right")], tmp_path / "cache", workers=1)
    assert len(failures) == 1
    assert "@scope/wrong" in failures[0]
    assert "listed is sha512-AAAA" in failures[0]
    assert not (tmp_path / "cache/train/wrong").exists()
    assert (tmp_path / "cache/train/right").exists()
    assert not list((tmp_path / "cache/tarballs").iterdir())


def test_a_damaged_tarball_is_fetched_again(
    publish: Publish, registry: Path, tmp_path: Path
) -> None:
    family, tarballs = publish("one"), tmp_path / "cache/tarballs"
    tarballs.mkdir(parents=True)
    (tarballs / "scope-one-1.0.0.tgz").write_bytes(b"half of it")
    assert fetch([family], tmp_path / "cache", workers=1) == []
    (tarballs / "scope-one-1.0.0.tgz").write_bytes((registry / "scope-one-1.0.0.tgz").read_bytes())
    asked = (registry / "asked").read_text()
    assert build_family(family, tmp_path / "elsewhere/one", tarballs) == 1
    assert (registry / "asked").read_text() == asked


def test_partial_download_is_no_family(publish: Publish, tmp_path: Path) -> None:
    family, folder = publish("one"), tmp_path / "cache/train/one"
    left_over = folder.with_name(".one.123")
    left_over.mkdir(parents=True)
    (left_over / "one-400-normal.ttf").write_bytes(b"half")
    assert not is_complete(family, folder)
    assert fetch([family], tmp_path / "cache", workers=1) == []
    assert is_complete(family, folder)
    assert [p.name for p in folder.parent.iterdir()] == ["one"]
    (folder / "one-400-normal.ttf").unlink()
    assert not is_complete(family, folder)
    assert fetch([family], tmp_path / "cache", workers=1) == []
    assert is_complete(family, folder)


def test_a_newer_version_replaces_the_older(publish: Publish, tmp_path: Path) -> None:
    assert fetch([publish("one", "AB")], tmp_path / "cache", workers=1) == []
    newer = publish("one", "ABC")
    assert not is_complete(newer, tmp_path / "cache/train/one")
    assert fetch([newer], tmp_path / "cache", workers=1) == []
    assert is_complete(newer, tmp_path / "cache/train/one")


def test_missing_package_or_client_is_an_error(
    publish: Publish, registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = publish("one")
    (registry / "scope-one-1.0.0.tgz").unlink()
    (failure,) = fetch([family], tmp_path / "cache", workers=1)
    assert "npm pack" in failure
    monkeypatch.setenv("PATH", str(tmp_path))
    (failure,) = fetch([family], tmp_path / "cache", workers=1)
    assert "no npm client" in failure


def test_command_line_fetches_families(
    publish: Publish,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OCR_FONTS_CACHE", str(tmp_path / "cache"))
    families = (publish("one"), publish("two"))
    monkeypatch.setattr(program, "read_families", lambda: families)
    assert program.main(["fetch", "--name", "one", "--workers", "1"]) == 0
    assert "1 of 1 families" in capsys.readouterr().out
    assert not (tmp_path / "cache/train/two").exists()
    assert program.main(["fetch", "--name", "none"]) == 1
    assert "not in the list: none" in capsys.readouterr().err


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_FONTS_CACHE", "/fonts")
    assert cache_folder() == Path("/fonts")
    monkeypatch.delenv("OCR_FONTS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert cache_folder() == Path("/var/cache/me/ocr-fonts")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder() == Path("/home/somebody/.cache/ocr-fonts")
