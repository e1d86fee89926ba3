"""What the tables say, in the languages of the page."""

from __future__ import annotations

import re

LANGUAGES = ("en", "zh")
FILES = {"en": "survey.md", "zh": "survey.zh-CN.md"}

_ZH = {
    "system": "系统",
    "set {}": "第 {} 组",
    "lines": "行数",
    "pages": "页数",
    "R / P / H at .5": "R / P / H（.5）",
    "H at .7": "H（.7）",
    "R / P / H end to end": "R / P / H（端到端）",
    "H found": "H（检测）",
    "CPU ms a page": "CPU 毫秒/页",
    "CPU ms a line": "CPU 毫秒/行",
    "MB": "MB",
    "parameters": "参数量",
    "reported": "论文报告",
    "paper": "论文",
    "no weights shipped": "未附带权重",
    "could not be measured": "未能测得",
    "exact": "整行正确",
    "CER": "CER",
    "all": "全部",
    "source": "来源",
    "lines of text": "文本行",
    "better than {} by .05 or more": "比 {} 高 .05 以上",
    "worse by .05 or more": "低 .05 以上",
    "ratio": "长宽比",
    "direction level": "水平",
    "direction slanted": "倾斜",
    "direction vertical": "竖直",
    "height": "高度（像素）",
    "kind": "类别",
    "words, DetEval": "按词，DetEval",
    "recall alone": "仅召回率",
    "nowhere": "无",
    "{} pages, {} lines": "{} 页，{} 行",
    "{} lines by their true boxes": "{} 行（按真实框）",
    "threads of a detector": "检测线程数",
    "processor": "处理器",
    "the list of results": "公开的结果列表",
}

_EN = {"direction level": "level", "direction slanted": "slanted", "direction vertical": "vertical"}


def say(text: str, language: str, *values: object) -> str:
    """Return a wording of the tables in a language, with values in it.

    Raises:
        KeyError: it has no translation.
    """
    return (_ZH[text] if language == "zh" else _EN.get(text, text)).format(*values)


def group(name: str, language: str) -> str:
    """Return the name of a group of lines, of `bench.detector_scores`, in a language."""
    name, *rest = name.split(", ", 1)
    marks = [mark for mark in ("words, DetEval", "recall alone") if mark in "".join(rest)]
    if name in _ZH:
        shown = say(name, language)
    else:
        what, _, value = name.partition(" ")
        value = re.sub(r"(\d)-(\d)", r"\1–\2", value) if what in ("ratio", "height") else value
        shown = f"{say(what, language)} {value}"
    return ", ".join([shown, *(say(mark, language) for mark in marks)])
