"""Tell who said or did what in a line of a comment area.

The rules are few, and any function from a text to a `Comment` may stand in their place (`ocr.live.read(parse=…)`). In
their order:

1. `NAME VERB THING`, where the verb is one of `GIVING`: a gift. `小明 送出 火箭 x3`, `Ann sent a Rose`.
2. `NAME VERB` or `欢迎 NAME VERB`, where the verb is one of `ENTERING`: somebody came in. `小明 来了`, `Ann joined`.
3. `NAME：TEXT`, with a colon of either width that stands in no time and no address: a comment.
4. Anything else is text: a title, a notice, the second row of a long comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

ENTERING = (
    "进入了直播间", "进入直播间", "进入了房间", "进入房间", "加入了直播间", "加入直播间", "加入了直播", "来到直播间",
    "进来了", "加入了", "来了", "has joined", "joined the room", "joined the stream", "joined the live",
    "joined the chat", "entered the room", "joined", "entered",
)  # fmt: skip
"""What is said of somebody who comes in; longer ones first where one begins like another."""

GIVING = (
    "送给主播", "送出了", "赠送了", "送出", "赠送", "送了", "投喂", "打赏了", "打赏", "has sent", "sent", "gifted",
)  # fmt: skip
"""What is said of somebody who gives something."""

_LONGEST_NAME = 30
_NO_COLON = rf"[^:：]{{1,{_LONGEST_NAME}}}?"


class Comment(NamedTuple):
    """What a line of a comment area says.

    Args:
        kind: "comment", "enter", "gift" or "text".
        user: Who; empty for "text".
        message: What was said, given or done.
    """

    kind: str
    user: str
    message: str


Parser: TypeAlias = Callable[[str], Comment]
"""From a line's text to what it says."""


def _verbs(words: tuple[str, ...]) -> str:
    """A pattern of verbs; Latin ones stand between spaces, Chinese ones need none."""
    return "|".join(
        rf"(?<=\s){re.escape(word)}(?=\s|$|[!.])" if word.isascii() else re.escape(word)
        for word in words
    )


_GIFT = re.compile(
    rf"^(?P<user>{_NO_COLON})\s*(?:{_verbs(GIVING)})\s*(?P<message>\S.*)$", re.IGNORECASE
)
_ENTRY = re.compile(
    rf"^(?:欢迎\s*|welcome\s+)?(?P<user>{_NO_COLON})\s*(?P<message>{_verbs(ENTERING)})\s*[!！~。.]*$",
    re.IGNORECASE,
)
_COMMENT = re.compile(
    rf"^(?P<user>[^:：]{{1,{_LONGEST_NAME}}})(?:：|:(?!//)(?!(?<=\d:)\d))\s*(?P<message>\S.*)$"
)


def parse(text: str) -> Comment:
    """Tell who said or did what, by the rules above."""
    text = text.strip()
    for kind, pattern in (("gift", _GIFT), ("enter", _ENTRY), ("comment", _COMMENT)):
        found = pattern.match(text)
        if found and found["user"].strip():
            return Comment(kind, found["user"].strip(), found["message"].strip())
    return Comment("text", "", text)
