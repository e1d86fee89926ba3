"""Write values as devices, forms, shops and chats show them: codes, amounts, dates, measures, formulas, addresses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from train.synth.corpus.measures import amount, digits, measured, number, one, some

Rng = np.random.Generator

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_SERIAL = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_ELEMENTS = ("H", "C", "N", "O", "S", "P", "Cl", "Na", "K", "Ca", "Mg", "Al", "Fe", "Cu", "Zn")
_TOP_LEVEL = (
    "com",
    "cn",
    "com.cn",
    "org",
    "net",
    "edu.cn",
    "gov.cn",
    "io",
    "com.tw",
    "de",
    "co.uk",
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def value(rng: Rng) -> str:
    """Return one value, of a form drawn evenly."""
    return _FORMS[int(rng.integers(len(_FORMS)))](rng)


def _serial(rng: Rng) -> str:
    joint = one(rng, ("-", "-", "", " ", "/", "."))
    groups = int(rng.integers(1, 6))
    case = str.lower if rng.random() < 0.15 else str
    return case(joint.join(some(rng, _SERIAL, int(rng.integers(2, 8))) for _ in range(groups)))


def _uuid(rng: Rng) -> str:
    text = "-".join(some(rng, "0123456789abcdef", n) for n in (8, 4, 4, 4, 12))
    return text.upper() if rng.random() < 0.2 else text


def _hash(rng: Rng) -> str:
    return some(rng, "0123456789abcdef", int(rng.integers(7, 41)))


def _plate(rng: Rng) -> str:
    draw = rng.random()
    if draw < 0.6:
        joint = one(rng, ("", "·", " "))
        tail = some(rng, _PLATE_LETTERS + "0123456789" * 3, 5)
        return f"{one(rng, _PROVINCES)}{some(rng, _PLATE_LETTERS, 1)}{joint}{tail}"
    if draw < 0.8:
        return f"{some(rng, _PLATE_LETTERS, 3)}{one(rng, ('-', ' ', ''))}{digits(rng, 4)}"
    return f"{some(rng, _PLATE_LETTERS, 4)} {digits(rng, 6)} {digits(rng, 1)}"


def _date(rng: Rng) -> str:
    y, m, d = int(rng.integers(1950, 2040)), int(rng.integers(1, 13)), int(rng.integers(1, 32))
    forms = (
        f"{y}-{m:02d}-{d:02d}",
        f"{y}/{m}/{d}",
        f"{y}.{m:02d}.{d:02d}",
        f"{y}{m:02d}{d:02d}",
        f"{d:02d}.{m:02d}.{y % 100:02d}",
        f"{m}/{d}/{y % 100:02d}",
        f"{_MONTHS[m - 1]} {d}, {y}",
        f"{d} {_MONTHS[m - 1].upper()} {y}",
        f"{y}年{m}月",
        f"{m}月{d}日",
        f"{y}年{m:02d}月{d:02d}日",
        f"{one(rng, _DAYS)}, {d:02d} {_MONTHS[m - 1]} {y}",
        f"民国{y % 100}年{m}月{d}日",
        f"{m:02d}/{y}",
    )
    return one(rng, forms)


def _time(rng: Rng) -> str:
    h, m, s = int(rng.integers(24)), int(rng.integers(60)), int(rng.integers(60))
    clock = f"{h % 12 or 12}:{m:02d} {'AM' if h < 12 else 'PM'}"
    forms = (
        f"{h:02d}:{m:02d}",
        f"{h:02d}:{m:02d}:{s:02d}",
        clock,
        clock.replace(" ", "").lower(),
        f"{h}时{m}分",
        f"{h}点{m:02d}",
        f"{h:02d}:{m:02d}-{(h + 3) % 24:02d}:{m:02d}",
        f"{m:02d}'{s:02d}\"",
        f"{h:02d}:{m:02d}:{s:02d}.{digits(rng, 3)}",
        f"{_date(rng)} {h:02d}:{m:02d}",
        f"{m}:{s:02d}/{m + 2}:00",
    )
    return one(rng, forms)


def _sum(rng: Rng) -> str:
    a, b = int(10 ** rng.uniform(0, 3)), int(10 ** rng.uniform(0, 3))
    tail = one(rng, (str(a + b), "", "?", "()", "( )", "____"))
    draw = rng.random()
    if draw < 0.6:
        return f"{a}{one(rng, '+-×÷')}{b}={tail}"
    if draw < 0.8:
        return f"{one(rng, 'xyab')}{one(rng, '²³')}{one(rng, '+-±')}{a % 20}{one(rng, 'xyab')}={b}"
    return (
        f"{one(rng, ('½', '√', '∠A=', 'α=', 'β=', 'π≈', '∆', 'ΔT='))}{a}{one(rng, ('', '°', '℃'))}"
    )


def _formula(rng: Rng) -> str:
    parts = []
    for _ in range(int(rng.integers(2, 5))):
        count = int(rng.integers(1, 9))
        parts.append(one(rng, _ELEMENTS) + (str(count) if count > 1 else ""))
    return "".join(parts)


def _reaction(rng: Rng) -> str:
    return f"{_formula(rng)}+{_formula(rng)}{one(rng, ('=', '→', '—'))}{_formula(rng)}{one(rng, ('', '↑', '↓'))}"


def _word(rng: Rng, least: int = 2, most: int = 10) -> str:
    """Return letters that alternate like words do."""
    size = int(rng.integers(least, most))
    pools = ("bcdfghjklmnprstvwyz", "aeiou")
    return "".join(one(rng, pools[(i + size) % 2]) for i in range(size))


def _address(rng: Rng) -> str:
    """Return an e-mail or web address."""
    host = f"{_word(rng)}.{one(rng, _TOP_LEVEL)}"
    draw = rng.random()
    if draw < 0.35:
        name = _word(rng) + one(rng, ("", digits(rng, 2), f".{_word(rng)}", f"_{_word(rng)}"))
        return f"{name}@{host}"
    path = "/".join(_word(rng) for _ in range(int(rng.integers(1, 3))))
    forms = (f"www.{host}", f"http://{host}", f"https://www.{host}/{path}", f"{host}/{path}.html")
    text = one(
        rng,
        (
            *forms,
            f"{host}/?id={digits(rng, 5)}",
            f"{int(rng.integers(1, 256))}.168.0.{digits(rng, 2)}",
        ),
    )
    return text.upper() if rng.random() < 0.1 else text


def _phone(rng: Rng) -> str:
    forms = (
        f"1{digits(rng, 2)} {digits(rng, 4)} {digits(rng, 4)}",
        f"1{digits(rng, 2)}-{digits(rng, 4)}-{digits(rng, 4)}",
        f"0{digits(rng, 3)}-{digits(rng, 7)}",
        f"(0{digits(rng, 1)}){digits(rng, 4)}-{digits(rng, 4)}",
        f"+{digits(rng, 2)} {digits(rng, 2)} {digits(rng, 4)} {digits(rng, 4)}",
        f"1{digits(rng, 2)}****{digits(rng, 4)}",
        f"TEL:{digits(rng, 8)}",
        f"电话：{digits(rng, 11)}",
        f"Fax: {digits(rng, 3)}-{digits(rng, 4)}",
    )
    return one(rng, forms)


def _identity(rng: Rng) -> str:
    """Return a number of a person, a company, a book, a card or a parcel."""
    forms = (
        f"{digits(rng, 17)}{one(rng, '0123456789X')}",
        f"9{digits(rng, 7)}{some(rng, _SERIAL, 10)}",
        f"ISBN 978-7-{digits(rng, 4)}-{digits(rng, 4)}-{digits(rng, 1)}",
        f"6{digits(rng, 3)} {digits(rng, 4)} {digits(rng, 4)} {digits(rng, 4)} {digits(rng, 3)}",
        f"{one(rng, ('SF', 'YT', 'JD', 'ZTO', 'EMS'))}{digits(rng, 12)}",
        one(rng, ("SN", "S/N", "P/N", "LOT", "IMEI", "MAC", "ID"))
        + one(rng, (":", ": ", " "))
        + some(rng, _SERIAL, 10),
        ":".join(some(rng, "0123456789ABCDEF", 2) for _ in range(6)),
        f"GB/T {digits(rng, 4)}-{int(rng.integers(1990, 2025))}",
        f"v{rng.integers(0, 9)}.{rng.integers(0, 30)}.{rng.integers(0, 99)}",
    )
    return one(rng, forms)


def cell(rng: Rng) -> str:
    """Return what stands in a small cell of a table: one to three characters."""
    letters = some(rng, _PLATE_LETTERS, 1)
    forms = (
        digits(rng, 1),
        digits(rng, 1),
        digits(rng, 2),
        digits(rng, 2),
        digits(rng, 3),
        f"{digits(rng, 1)}.{digits(rng, 1)}",
        f"{digits(rng, 1)}%",
        f"-{digits(rng, 1)}",
        f"{letters}{digits(rng, 1)}",
        letters,
        f"{letters}{some(rng, _PLATE_LETTERS, 1)}",
        f"({digits(rng, 1)})",
        f"{digits(rng, 1)}.",
        f"{digits(rng, 2)}:",
        "—",
        "-",
        "/",
        "√",
        "✓",
        "×",
        "○",
        "无",
        "是",
        "否",
        "男",
        "女",
        "有",
        "合格",
        "元",
        "个",
        "台",
        "套",
        "kg",
        "m²",
        "No",
        "Yes",
        "N/A",
        "一",
        "二",
        "三",
        "十",
        "甲",
        "乙",
        "①",
        "②",
    )
    return one(rng, forms)


_FORMS: tuple[Callable[[Rng], str], ...] = (
    number,
    amount,
    amount,
    _serial,
    _serial,
    _uuid,
    _hash,
    _plate,
    _date,
    _date,
    _time,
    measured,
    measured,
    measured,
    _sum,
    _formula,
    _reaction,
    _address,
    _address,
    _phone,
    _identity,
)
