"""Draw sentences and phrases from plain UTF-8 text, numbers, and characters that text hardly has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from common.characters import is_han
from recognition.charset import Charset, normalize
from train.synth.corpus import variation, vocabulary
from train.synth.corpus.rare_characters import RareCharacters, around

# A small text of our own, so that tests and a first look need no corpus.
_BUILT_IN = {
    "zh": (
        "今天的天气很好，我们一起去公园散步吧。",
        "请在每页的右上角写上姓名和日期，谢谢合作！",
        "这家小店的牛肉面味道不错，价格也便宜。",
        "会议定于下周三上午九点在三楼会议室举行。",
        "如需帮助，请拨打服务热线：400-820-1234。",
        "机器学习（Machine Learning）是人工智能的一个分支。",
        "图书馆周一至周五开放，借书证请随身携带。",
        "先判断页面的方向，再找出每一行文字，最后逐行识别。",
        "把照片放平再拍，光线要均匀，字迹才会清楚。",
        "新鲜水果每日到店，欢迎选购。",
        "列车将于十八点四十五分到达，请旅客提前做好准备。",
        "本产品保质期十二个月，请置于阴凉干燥处保存。",
        "训练数据全部由程序生成，任何人都可以重新制作。",
        "山路弯弯，溪水潺潺，远处传来几声鸟鸣。",
        "如果结果有误，请把图片和正确的文字一起发给我们。",
        "第一次使用时，先阅读说明书的第三章。",
    ),
    "en": (
        "The quick brown fox jumps over the lazy dog.",
        "Please write your name and the date at the top of every page.",
        "Each of the three models can be trained and used on its own.",
        "Total amount due: $1,284.50 (including 6% tax).",
        "Open daily from 9:00 a.m. to 6:30 p.m., except Sundays.",
        "A page is turned upright, its lines are found, and every line is read.",
        "Keep the receipt: goods can be exchanged within fourteen days.",
        "Hold the camera level and wait until the picture is sharp.",
        "Nothing is downloaded while a page is being read.",
        "The morning train leaves from platform three at a quarter past eight.",
        "Mix the flour with two eggs and let the dough rest for an hour.",
        "Every figure in this table comes from one run of one command.",
    ),
}
_WEIGHTS = {
    "zhtw": 2.0,
    "zh_words": 0.5,
    "zh_idioms": 0.5,
    "zh_person": 0.3,
    "en_person": 0.15,
    "en_wiki": 2.0,
}
_UNITS = ("元", "%", " kg", "kg", "ml", "g", " SR", "℃", "cm", "折", "万")
_CURRENCIES = ("$", "¥", "€", "£", "RM", "RM ", "NT$", "USD ")
_DOMAINS = ("com", "cn", "org", "net")
_TRADITIONAL = 0.1  # share of Chinese sentences that are turned into the other script
_OTHER_MARKS = 0.1  # share of those whose marks are exchanged
_ANY_HAN = 0.35  # share of texts without sense in which the rarest characters may be
# What forms, menus and games say again and again, as labels of a value.
_TERMS = {
    lang: [*vocabulary.LABELS[lang], *vocabulary.GAME[lang], *vocabulary.MENUS[lang]]
    for lang in ("zh", "en")
}
_IDENTIFIER = re.compile(r"^[0-9a-f]{16,}$|_QUERY_|^\d+-\d+-\d+$")


class Corpus:
    """Texts by language, filtered to a charset.

    Args:
        texts: file name to its lines; the name's first letters give the language (zh, en,
            patterns).
        charset: characters that may be written; others are left out.
    """

    def __init__(self, texts: Mapping[str, Sequence[str]], charset: Charset) -> None:
        self.charset = charset
        self._files: dict[str, list[Sequence[str]]] = {}
        self._bounds: dict[str, np.ndarray] = {}
        for lang in ("zh", "en", "patterns"):
            named = [
                (name, lines)
                for name, lines in sorted(texts.items())
                if name.startswith(lang) and lines
            ]
            self._files[lang] = [lines for _, lines in named]
            # The root keeps one large file of reviews from being all that is ever read.
            share = np.array([_weight(name) * len(lines) ** 0.5 for name, lines in named])
            self._bounds[lang] = np.cumsum(share) / share.sum() if len(share) else share
        self.han = [c for c in charset.characters if is_han(c)]
        usual = Charset.load("zh_hant_en")
        self._usual_han = [c for c in self.han if c in usual] or self.han
        self.symbols = [c for c in charset.characters if not is_han(c) and c != " "]

    @classmethod
    def load(cls, folder: Path | None = None, charset: Charset | None = None) -> Corpus:
        """Read every `*.txt` of `folder`, one sentence a line; None gives a small built-in text.

        Raises:
            FileNotFoundError: the folder holds no text whose name begins with zh or en.
        """
        charset = charset or Charset.load()
        if folder is None:
            return cls(_BUILT_IN, charset)
        texts = {
            p.stem: p.read_text(encoding="utf8").splitlines()
            for p in sorted(Path(folder).glob("*.txt"))
        }
        if not any(name.startswith(("zh", "en")) for name in texts):
            raise FileNotFoundError(
                f"no zh*.txt or en*.txt in {folder}; expected one sentence a line"
            )
        return cls(texts, charset)

    def sentence(self, rng: np.random.Generator, lang: str) -> str:
        """Return one non-empty line of text in "zh", "en" or "mixed" (Chinese with Latin words in it)."""
        if lang == "mixed":
            return self._mixed(rng)
        files, shares = self._files[lang], self._bounds[lang]
        for _ in range(20):
            lines = files[int(np.searchsorted(shares[:-1], rng.random(), "right"))]
            line = lines[int(rng.integers(len(lines)))].strip()
            if not line or _IDENTIFIER.search(line):
                continue
            text = " ".join(normalize(line).split())
            text = self._reworded(rng, text) if lang == "zh" else text
            missing = self.charset.missing(text)
            if len(missing) * 10 < len(text):
                kept = "".join(c for c in text if c not in missing).strip()
                if kept:
                    return kept
        return "文字" if lang == "zh" else "text"

    def _reworded(self, rng: np.random.Generator, text: str) -> str:
        """Now and then, the same in the other script or with other marks."""
        if rng.random() < _TRADITIONAL:
            other = variation.traditional(rng, text)
            text = text if self.charset.missing(other) else other
        return variation.other_marks(rng, text) if rng.random() < _OTHER_MARKS else text

    def phrase(self, rng: np.random.Generator, lang: str, max_chars: int) -> str:
        """Return a stretch of a sentence of at most `max_chars` characters; Latin words stay whole if they can."""
        text = self.sentence(rng, lang)
        if len(text) <= max_chars:
            return text
        start = int(rng.integers(len(text) - max_chars + 1))
        if lang == "en" or " " in text[start : start + max_chars]:
            space = text.rfind(" ", 0, start + 1)
            start = space + 1 if space >= 0 else 0
            cut = text[start : start + max_chars]
            if start + max_chars < len(text) and text[start + max_chars] != " " and " " in cut:
                cut = cut[: cut.rfind(" ")]
            return cut.strip()
        return text[start : start + max_chars].strip()

    def number(self, rng: np.random.Generator) -> str:
        """Return a number, date, time, price, phone number, code, e-mail address or the like."""
        if self._files["patterns"] and rng.random() < 0.3:
            return self.sentence(rng, "patterns")
        return _pattern(rng)

    def entry(self, rng: np.random.Generator) -> str:
        """Return a label and its value as screens and forms have them: `声望:斩妖除魔(18/28)`."""
        lang = "zh" if rng.random() < 0.8 else "en"
        label = self.phrase(rng, lang, int(rng.integers(2, 8)) * (1 if lang == "zh" else 2))
        if rng.random() < 0.5:
            words = _TERMS[lang]
            label = words[int(rng.integers(len(words)))]
        draw, count = rng.random(), int(10 ** rng.uniform(0, 3.3))
        part = f"{int(rng.integers(count + 1))}/{count}"
        if draw < 0.25:
            value = part
        elif draw < 0.45:
            value = f"{self.phrase(rng, lang, int(rng.integers(2, 8)))}({part})"
        elif draw < 0.6:
            value = self.phrase(rng, "zh", int(rng.integers(2, 8)))
        elif draw < 0.7:
            return f"{label}第{count % 100}{'章节步轮页次名级'[int(rng.integers(8))]}"
        elif draw < 0.8:
            return f"{'《【“「('[(i := int(rng.integers(5)))]}{label}{'》】”」)'[i]}{count}"
        else:
            value = _pattern(rng)
        return f"{label}{(':', '：', ': ')[int(rng.choice(3, p=[0.5, 0.3, 0.2]))]}{value}"

    def point(self, rng: np.random.Generator, length: int) -> str:
        """Return a point of a list, or words in quotes one after the other, about `length` long."""
        lang = "zh" if rng.random() < 0.8 else "en"
        if rng.random() < 0.5:
            return variation.item(rng, self.phrase(rng, lang, max(2, length - 3)))
        words = []
        while sum(map(len, words)) + 3 * len(words) < length:
            words.append(
                self.phrase(rng, lang, int(rng.integers(1, 6)) * (1 if lang == "zh" else 2))
            )
        text = variation.enumeration(rng, words)
        if rng.random() < 0.5:
            text = self.phrase(rng, lang, int(rng.integers(2, 8))) + text
        first = int(rng.integers(max(1, len(text) - length + 1)))
        return text[first : first + length].strip() or "、"

    def leaders(self, rng: np.random.Generator, length: int) -> str:
        """Return an entry of a table of contents, or a rule made of characters, about `length` long."""
        mark = "._-=*·…~"[int(rng.choice(8, p=[0.6, 0.08, 0.1, 0.06, 0.06, 0.04, 0.04, 0.02]))]
        if mark == "." and rng.random() < 0.15:
            mark = ". "
        if mark not in ". …·" and rng.random() < 0.5:
            return (mark * length)[:length].strip()
        lang = "zh" if rng.random() < 0.6 else "en"
        title = self.phrase(rng, lang, max(2, min(int(rng.integers(3, 16)), length // 3)))
        number = str(int(rng.integers(1, 400))) if mark != "*" else ""
        gap = " " if rng.random() < 0.6 else ""
        rest = max(3, length - len(title) - len(number) - 2 * len(gap))
        return f"{title}{gap}{(mark * rest)[:rest].strip()}{gap}{number}".strip()

    def rare(self, rng: np.random.Generator, length: int) -> str:
        """Return a stretch of a sentence about a character, every Han character as often as any other.

        Raises:
            LookupError: the text has no Han character of the charset.
        """
        character, line = self._rare_characters.draw(rng)
        cut = around(rng, " ".join(normalize(line).split()), character, length)
        missing = self.charset.missing(cut)
        return "".join(c for c in cut if c not in missing).strip()

    @cached_property
    def _rare_characters(self) -> RareCharacters:
        return RareCharacters(self._files["zh"], self.han)

    def random_characters(self, rng: np.random.Generator, count: int) -> str:
        """Return characters without sense, every Han character as often as any other, some symbols between.

        Most typefaces lack what only names and dialects need, so most texts do without: one such character would
        leave a text few faces to be drawn in.
        """
        chosen = self.han if rng.random() < _ANY_HAN else self._usual_han
        han = rng.random(count) < 0.92
        pools = [chosen if is_han and chosen else self.symbols for is_han in han]
        return "".join(pool[int(rng.integers(len(pool)))] for pool in pools)

    def _mixed(self, rng: np.random.Generator) -> str:
        zh = self.phrase(rng, "zh", int(rng.integers(3, 14)))
        draw = rng.random()
        if draw < 0.3:
            other = _pattern(rng)
        elif draw < 0.55:
            other = variation.acronym(rng)
        else:
            other = self.phrase(rng, "en", int(rng.integers(4, 18)))
        gap = " " if rng.random() < 0.5 else ""
        parts = [zh, other] if rng.random() < 0.6 else [other, zh]
        if rng.random() < 0.5:
            parts.append(self.phrase(rng, "zh", int(rng.integers(2, 12))))
        return gap.join(parts).strip() or zh


def _weight(name: str) -> float:
    return next((weight for prefix, weight in _WEIGHTS.items() if name.startswith(prefix)), 1.0)


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count)))


def _letters(rng: np.random.Generator, count: int) -> str:
    return "".join(chr(65 + int(i)) for i in rng.integers(0, 26, count))


def _pattern(rng: np.random.Generator) -> str:
    """Return one of the forms in which figures stand on receipts, forms, signs and screens."""
    n = int(rng.integers(1, 100_000))
    cents = f"{rng.integers(0, 2000)}.{rng.integers(0, 100):02d}"
    year, month, day = (
        int(rng.integers(1960, 2031)),
        int(rng.integers(1, 13)),
        int(rng.integers(1, 29)),
    )
    hour, minute, second = int(rng.integers(24)), int(rng.integers(60)), int(rng.integers(60))
    forms = (
        lambda: str(n),
        lambda: f"{n:,}",
        lambda: cents,
        lambda: str(rng.choice(_CURRENCIES)) + cents,
        lambda: cents + str(rng.choice(_UNITS)),
        lambda: f"{year}-{month:02d}-{day:02d}",
        lambda: f"{day:02d}/{month:02d}/{year}",
        lambda: f"{year}年{month}月{day}日",
        lambda: f"{year}.{month}.{day}",
        lambda: f"{hour}:{minute:02d}",
        lambda: f"{hour:02d}:{minute:02d}:{second:02d}",
        lambda: f"{day:02d}/{month:02d}/{year} {hour:02d}:{minute:02d}:{second:02d}",
        lambda: f"1{_digits(rng, 10)}",
        lambda: f"0{_digits(rng, 2)}-{_digits(rng, 8)}",
        lambda: f"({_digits(rng, 3)}) {_digits(rng, 3)}-{_digits(rng, 4)}",
        lambda: f"+86 {_digits(rng, 3)} {_digits(rng, 4)} {_digits(rng, 4)}",
        lambda: f"400-{_digits(rng, 3)}-{_digits(rng, 4)}",
        lambda: f"{_letters(rng, int(rng.integers(1, 4)))}{_digits(rng, int(rng.integers(2, 7)))}",
        lambda: f"{_letters(rng, 2)}-{_digits(rng, 4)}/{_digits(rng, 2)}",
        lambda: f"NO.{_digits(rng, int(rng.integers(3, 9)))}",
        lambda: f"{_letters(rng, 6).lower()}{_digits(rng, 2)}@{_letters(rng, 5).lower()}.com",
        lambda: f"www.{_letters(rng, int(rng.integers(4, 9))).lower()}.{rng.choice(_DOMAINS)}",
        lambda: f"{rng.integers(1, 30)} x {cents}",
        lambda: f"{rng.integers(1, 100)}%",
        lambda: f"[{rng.integers(1, 60)}]",
        lambda: f"({rng.integers(1, 60)})",
        lambda: f"{rng.integers(1, 20)}.{rng.integers(1, 10)}.{rng.integers(1, 10)}",
        lambda: f"-{cents}",
        lambda: f"{_digits(rng, 4)} {_digits(rng, 4)} {_digits(rng, 4)} {_digits(rng, 4)}",
        lambda: f"{n}+{rng.integers(1, 1000)}={rng.integers(1, 99999)}",
    )
    return forms[int(rng.integers(len(forms)))]()
