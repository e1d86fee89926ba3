"""Put sentences as chats, exam papers, games and annotated texts have them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from train.synth.corpus import values, vocabulary
from train.synth.corpus.sentences import Corpus

Rng = np.random.Generator

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
_BULLETS = "••*※●○■□◆◇★☆→√✓✓◦◦■–-·▲◎"
_FOOTNOTE_SIGNS = ("*", "**", "†", "‡", "§", "††")
_BLANKS = ("____", "______", "( )", "（ ）", "……", "___")
_TASKS = (
    "填空题",
    "选择题",
    "判断题",
    "计算题",
    "简答题",
    "阅读下列材料",
    "已知",
    "求证",
    "解方程",
    "听力",
)


def in_context(rng: Rng, corpus: Corpus, length: int) -> str:
    """Return about `length` characters of some text with what surrounds it there.

    Args:
        rng: draws everything.
        corpus: says it.
        length: of the result in characters, hardly exceeded.
    """
    form = _FORMS[int(rng.integers(len(_FORMS)))]
    return form(rng, corpus, max(2, length)).strip() or "1."


def _language(rng: Rng) -> str:
    return "zh" if rng.random() < 0.75 else "en"


def _phrase(rng: Rng, corpus: Corpus, length: int, lang: str | None = None) -> str:
    return corpus.phrase(rng, lang or _language(rng), max(1, length))


def _name(rng: Rng, corpus: Corpus) -> str:
    """Return what somebody calls themselves: words, letters and figures, or a name masked by stars."""
    draw = rng.random()
    if draw < 0.5:
        return _phrase(rng, corpus, int(rng.integers(2, 7)), "zh").strip("，。！？、：,.!?: ")
    if draw < 0.6:
        return f"{_phrase(rng, corpus, 1, 'zh')}***{_phrase(rng, corpus, 1, 'zh')}"
    return "".join(
        _LETTERS[int(i)] for i in rng.integers(0, len(_LETTERS), int(rng.integers(3, 12)))
    )


def _comment(rng: Rng, corpus: Corpus, length: int) -> str:
    """`name：text`, as chats and live streams show it."""
    name = _name(rng, corpus)
    colon = "：：::"[int(rng.integers(4))] + (" " if rng.random() < 0.3 else "")
    head = f"@{name} " if rng.random() < 0.12 else f"{name}{colon}"
    return head + _phrase(rng, corpus, length - len(head))


def _point(rng: Rng, corpus: Corpus, length: int) -> str:
    bullet = _BULLETS[int(rng.integers(len(_BULLETS)))] + (" " if rng.random() < 0.6 else "")
    return bullet + _phrase(rng, corpus, length - len(bullet))


def _footnote(rng: Rng, corpus: Corpus, length: int) -> str:
    """A note, or a word that a mark sends to one."""
    number = int(rng.integers(1, 30))
    marks = (
        "*",
        "**",
        f"[{number}]",
        f"({number})",
        "②①③⑤④⑥⑦⑧"[number % 8],
        "¹",
        "²",
        "³",
        "※",
        "®",
        "™",
    )
    if rng.random() < 0.5:
        marks = _FOOTNOTE_SIGNS
    mark = marks[int(rng.integers(len(marks)))]
    text = _phrase(rng, corpus, length - len(mark))
    if rng.random() < 0.6 or mark in "¹²³®™":
        words = text.split(" ")
        # Behind any word: a sentence goes on after most marks.
        last = int(rng.integers(1, len(words) + 1))
        return " ".join([*words[: last - 1], words[last - 1] + mark, *words[last:]])
    return mark + " " * int(rng.random() < 0.5) + text


def _exam(rng: Rng, corpus: Corpus, length: int) -> str:
    """A task, an answer to choose, points, a blank to fill."""
    draw, number = rng.random(), int(rng.integers(1, 40))
    if draw < 0.3:
        letter = "ABCD"[number % 4]
        head = f"{letter}{('.', '．', '、', ' ')[int(rng.integers(4))]}".replace("．", ".")
        rest = values.value(rng) if rng.random() < 0.4 else _phrase(rng, corpus, length - 2)
        return head + rest
    if draw < 0.45:
        task = _TASKS[int(rng.integers(len(_TASKS)))]
        return f"{'一二三四五六'[number % 6]}、{task}（每题{number}分，共{number * 5}分）"
    blank = _BLANKS[int(rng.integers(len(_BLANKS)))]
    head, tail = f"{number}{'.、'[number % 2]}", ("", "。", "分", "？")[int(rng.integers(4))]
    room = length - len(head) - len(blank)
    cut = int(rng.integers(max(1, room)))
    text = _phrase(rng, corpus, room, "zh")
    return f"{head}{text[:cut]}{blank}{text[cut:]}{tail}"


def _game(rng: Rng, corpus: Corpus, length: int) -> str:
    """A line of a game's screen: levels, gains, missions, who said what to whom."""
    lang = _language(rng)
    words = vocabulary.GAME[lang]
    word = words[int(rng.integers(len(words)))]
    name = _phrase(rng, corpus, int(rng.integers(2, 7)) * (1 if lang == "zh" else 2), lang)
    count, most = sorted(int(10 ** rng.uniform(0, 5)) for _ in range(2))
    forms = (
        f"Lv.{count % 200} {name}",
        f"{word} {count}/{most}",
        f"{word}+{count}",
        f"{name} x{count % 100}",
        f"获得{name}×{count % 100}",
        f"【{name}】{word}",
        f"[{word}]{name}",
        f"{word}：{count:,}",
        f"+{count} {word}",
        f"{word}Lv{count % 100}（{count}/{most}）",
        f"剩余{count % 60}分{most % 60:02d}秒",
        f"{name}-{word}",
        f"<{name}>{word}",
        f"COMBO x{count % 100}",
        f"{count}%",
        f"HP {count}/{most}",
        f"-{count}!",
        f"{word}>>",
    )
    return forms[int(rng.integers(len(forms)))][: length + 4]


_FORMS: tuple[Callable[[Rng, Corpus, int], str], ...] = (
    _comment,
    _comment,
    _point,
    _footnote,
    _exam,
    _game,
)
