"""Who said or did what, told from one line."""

from __future__ import annotations

import pytest

from ocr.live.comments import Comment, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("小明：你好", Comment("comment", "小明", "你好")),
        ("小明: 你好：再见", Comment("comment", "小明", "你好：再见")),
        ("Ann: at 12:30 or 13:00", Comment("comment", "Ann", "at 12:30 or 13:00")),
        ("小明：我来了", Comment("comment", "小明", "我来了")),
        ("小明：他送出了一份礼物", Comment("comment", "小明", "他送出了一份礼物")),
        ("小明 来了", Comment("enter", "小明", "来了")),
        ("小明来了！", Comment("enter", "小明", "来了")),
        ("欢迎 小明 进入直播间", Comment("enter", "小明", "进入直播间")),
        ("Ann joined", Comment("enter", "Ann", "joined")),
        ("Ann Lee joined the room!", Comment("enter", "Ann Lee", "joined the room")),
        ("小明 送出 火箭 x3", Comment("gift", "小明", "火箭 x3")),
        ("小明送给主播玫瑰", Comment("gift", "小明", "玫瑰")),
        ("Ann sent a Rose x2", Comment("gift", "Ann", "a Rose x2")),
        ("12:30", Comment("text", "", "12:30")),
        ("https://example.org", Comment("text", "", "https://example.org")),
        ("今天的直播到此结束", Comment("text", "", "今天的直播到此结束")),
        ("来了", Comment("text", "", "来了")),
        ("：没有名字", Comment("text", "", "：没有名字")),
        ("presented by us", Comment("text", "", "presented by us")),
        ("", Comment("text", "", "")),
    ],
)
def test_comments_are_parsed_into_user_message_and_kind(text: str, expected: Comment) -> None:
    assert parse(text) == expected


def test_parsing_of_any_text_is_fast() -> None:
    # A pattern that tries every way to part a text would not come back.
    for text in ("a" * 5000, "来" * 5000 + "了", ":" * 3000, " " * 3000, "送" * 3000):
        assert parse(text).kind in {"text", "comment"}
