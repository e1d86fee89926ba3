"""Write amounts and measures: numbers with signs, currencies and units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Rng = np.random.Generator

_CURRENCIES = ("$", "¥", "€", "£", "￥", "RM", "NT$", "HK$", "USD ", "CNY ", "RMB ")
_UNITS = tuple(
    """
    kg g mg t km m cm mm μm nm L mL ml V kV A mA W kW kWh Hz kHz MHz GHz Ω kΩ MΩ μF pF Pa kPa MPa
    bar psi ℃ °C °F ° % ‰ dB rpm r/min m/s km/h mmHg mol/L mg/dL lb lbs KGS LBS CU.FT m² m³ cm² cm³
    mm² 元 元/斤 件 个 万 亿 天 人 次 分 岁 级 层 号 页
    """.split()
)
_SIGNS = ("±", "≥", "≤", "≈", "<", ">", "=", "~", "∅", "Φ", "№ ", "№", "§ ", "§", "No. ", "#", "&")


def measure(rng: Rng) -> tuple[str, str]:
    """Return a number and its unit, as scales, plates of machines and prices show them apart."""
    return number(rng), one(rng, _UNITS)


def price(rng: Rng) -> tuple[str, str, str, str]:
    """Return a price in the parts that shops set in different sizes: sign, whole, fraction, unit; some are empty."""
    whole = str(int(10 ** rng.uniform(0, 3.7)))
    fraction = f".{digits(rng, 1 if rng.random() < 0.4 else 2)}" if rng.random() < 0.6 else ""
    sign = one(rng, _CURRENCIES).strip() if rng.random() < 0.5 else ""
    unit = (
        ""
        if sign and rng.random() < 0.6
        else one(rng, ("元", "元", "起", "元起", "/斤", "元/件", "折", "kg"))
    )
    return sign, whole, fraction, unit


def amount(rng: Rng) -> str:
    """Return an amount of money with commas between thousands."""
    sign = one(rng, ("", "", "", "-", "+", "("))
    text = (
        f"{one(rng, ('', *_CURRENCIES))}{10 ** rng.uniform(2, 8):,.{2 * int(rng.random() < 0.8)}f}"
    )
    return f"{sign}{text}" + (")" if sign == "(" else "")


def measured(rng: Rng) -> str:
    """Return a number with its unit, a tolerance, a product of sizes or a range."""
    figure, unit = measure(rng)
    draw, gap = rng.random(), " " if rng.random() < 0.3 else ""
    if draw < 0.5:
        return f"{figure}{gap}{unit}"
    if draw < 0.65:
        return f"{one(rng, _SIGNS)}{figure}{gap}{unit}"
    if draw < 0.75:
        return f"{figure}±{digits(rng, 1)}{gap}{unit}"
    if draw < 0.9:
        cross = one(rng, ("×", "x", "*", "X"))
        return (
            cross.join(
                str(int(10 ** rng.uniform(0.5, 3.3))) for _ in range(int(rng.integers(2, 4)))
            )
            + unit
        )
    return f"{figure}{one(rng, ('~', '-', '—', '至'))}{number(rng)}{gap}{unit}"


def number(rng: Rng) -> str:
    """Return a number, whole or with decimals, with commas, spaces or neither between thousands."""
    draw, text = rng.random(), f"{int(10 ** rng.uniform(0, 6.5)):,}"
    if draw >= 0.35:
        text = text.replace(",", " " if draw < 0.45 else "")
    return text + (f".{digits(rng, int(rng.integers(1, 4)))}" if rng.random() < 0.4 else "")


def some(rng: Rng, characters: str, count: int) -> str:
    """Return `count` of some characters, each drawn evenly."""
    return "".join(characters[int(i)] for i in rng.integers(0, len(characters), count))


def digits(rng: Rng, count: int) -> str:
    """Return a row of digits."""
    return some(rng, "0123456789", count)


def one(rng: Rng, choices: Sequence[str]) -> str:
    """Return one of several texts, drawn evenly."""
    return choices[int(rng.integers(len(choices)))]
