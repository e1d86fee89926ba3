"""Decoding options from the command lines down to the recognizer, with the models that are shipped."""

from __future__ import annotations

import hashlib
import json
import time
from difflib import SequenceMatcher
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

import demo
import ocr
from ocr.models import decoding, load_language_model
from recognition.decoding.language_model import LanguageModel
from train.evaluate import __main__ as evaluate

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def table() -> LanguageModel:
    return load_language_model()


def test_shipped_table_knows_both_languages(table: LanguageModel) -> None:
    for usual, odd in (
        ("information", "infarmotion"),
        ("我们的工作", "我仃旳工柞"),
        ("公司", "公同"),
    ):
        assert table.score(usual).mean() > table.score(odd).mean() + 1


def test_shipped_table_loads_quickly_and_is_small() -> None:
    start = time.process_time()
    load_language_model()
    assert time.process_time() - start < 0.2
    assert (Path(demo.__file__).parent / "weights" / "ngram-zh_en.npz").stat().st_size < 8_000_000


def test_only_what_differs_from_the_defaults_is_passed_on(tmp_path: Path) -> None:
    assert set(decoding()) == {"language_model"}
    assert decoding("greedy") == {"decode": "greedy"}
    words = tmp_path / "words.txt"
    words.write_text("one\ntwo\n", encoding="utf-8")
    for lexicon in (words, ["one", "two"]):
        assert decoding("greedy", lexicon=lexicon)["lexicon"].words == ("one", "two")
    assert set(decoding("beam", allowed="")) == {"decode", "language_model", "allowed"}
    with pytest.raises(FileNotFoundError):
        decoding(lexicon=tmp_path / "none")


def test_damaged_and_foreign_tables_are_errors(tmp_path: Path) -> None:
    content = b"no table"
    row = {"name": "zh_en", "task": "language", "package": "crnn", "file": "t.npz"}
    row |= {"sha256": hashlib.sha256(content).hexdigest()}
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": 1, "models": [row]}))
    (tmp_path / "t.npz").write_bytes(content)
    with pytest.raises(ocr.WeightsError, match="different versions"):
        load_language_model(folder=tmp_path)
    (tmp_path / "t.npz").write_bytes(b"damaged")
    with pytest.raises(ocr.WeightsError, match="SHA-256"):
        load_language_model(folder=tmp_path)
    with pytest.raises(ValueError, match="no language model is named 'x'"):
        load_language_model("x", folder=tmp_path)


@pytest.mark.slow
def test_beam_search_reads_a_clean_page_as_greedy_does() -> None:
    readers = [ocr.load(threads=1, decode=decode) for decode in ("greedy", "beam")]
    texts = [reader.read(DATA / "page.png").text for reader in readers]
    assert len(texts[0]) > 100
    assert SequenceMatcher(None, *texts, autojunk=False).ratio() > 0.98


def test_demo_reads_only_what_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main([str(DATA / "receipt.png"), "--allowed", "0123456789.", "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert any(char.isdigit() for char in printed)
    assert set(printed) <= set("0123456789.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--decode", "best"], "invalid choice"),
        (["--allowed", "\U0001f600"], "not among those this model reads"),
        (["--lexicon", "absent.txt"], "absent.txt: No such file"),
        (["--lexicon", "gb.txt"], "not UTF-8"),
    ],
)
def test_impossible_decoding_options_are_bad_usage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    (tmp_path / "gb.txt").write_bytes("北京".encode("gb18030"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        demo.main([str(DATA / "sign.png"), *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_evaluate_writes_the_page_of_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quad = [[0, 0], [20, 0], [20, 8], [0, 8]]
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((12, 24, 3), np.uint8))
    record = {"image": "a.png", "source": "made", "lines": [{"quad": quad, "text": "你好"}]}
    (tmp_path / "labels.jsonl").write_text(json.dumps(record), encoding="utf-8")
    given: dict[str, Any] = {}

    def load(*_: Any, **options: Any) -> Any:
        given.update(options)
        line = SimpleNamespace(text="你妤", box=quad)
        return SimpleNamespace(read=lambda *_, **__: SimpleNamespace(lines=(line,)))

    monkeypatch.setattr(ocr, "load", load)
    evaluate.main([str(tmp_path), "--errors", str(tmp_path / "out"), "--decode", "beam"])
    assert given["decode"] == "beam"
    assert str(tmp_path / "out" / "index.html") in capsys.readouterr().out
    assert "妤" in (tmp_path / "out" / "made.html").read_text("utf-8")
