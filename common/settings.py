"""Declare settings: numbers with a default, a meaning and a range, checked when made and set by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

S = TypeVar("S")


def setting(
    default: Any,  # noqa: ANN401
    doc: str,
    low: float | None = None,
    high: float | None = None,
) -> Any:  # noqa: ANN401
    """Declare one field of a `StepSettings`.

    Args:
        default: A bool, int, float, or tuple of floats; it fixes the type.
        doc: What it is, its unit, and what a larger value trades.
        low: Least value, if there is one; of a tuple, of each number in it.
        high: Greatest value, likewise.
    """
    return field(default=default, metadata={"doc": doc, "low": low, "high": high})


@dataclass(frozen=True)
class StepSettings:
    """Hold the settings of one step; the values are checked against their ranges.

    Raises:
        ValueError: A value of another type or outside its range.
    """

    def __post_init__(self) -> None:
        for each in declared(self):
            value, kind = getattr(self, each.name), type(each.default)
            low, high = each.metadata["low"], each.metadata["high"]
            if not _is_of(value, kind) or not _is_within(value, low, high):
                name = f"{type(self).__name__}.{each.name}"
                raise ValueError(f"{name} is {value!r}, expected {_expected(kind, low, high)}")


def declared(step: Any) -> list[Field[Any]]:  # noqa: ANN401
    """Return the fields of a step that are settings, made by `setting`."""
    return [each for each in fields(step) if "doc" in each.metadata]


def changed(step: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the settings of a step that differ from their defaults, by name."""
    values = {each.name: (getattr(step, each.name), each.default) for each in declared(step)}
    return {name: value for name, (value, default) in values.items() if value != default}


def with_values(settings: S, assignments: Iterable[str]) -> S:
    """Return settings with some values changed.

    Args:
        settings: A frozen dataclass of `StepSettings`.
        assignments: As on the command line: "STEP.NAME=VALUE"; numbers of a tuple are parted by commas.

    Raises:
        ValueError: No such step or name, or a value that does not fit; the message lists what there is.
    """
    for assignment in assignments:
        path, found, text = assignment.partition("=")
        step, dot, name = path.strip().partition(".")
        if not found or not dot:
            raise ValueError(f"{assignment!r} is no setting, expected STEP.NAME=VALUE")
        steps = {each.name: getattr(settings, each.name) for each in fields(settings)}  # type: ignore[arg-type]
        if step not in steps:
            raise ValueError(f"no step {step!r} has settings; there are: {', '.join(steps)}")
        known = {each.name: each for each in declared(steps[step])}
        if name not in known:
            raise ValueError(f"{step} has no setting {name!r}; there are: {', '.join(known)}")
        value = _parsed(text.strip(), known[name].default, assignment)
        settings = replace(settings, **{step: replace(steps[step], **{name: value})})  # type: ignore[type-var]
    return settings


def describe(settings: object) -> str:
    """Return one line for each setting: STEP.NAME=VALUE and what it is."""
    lines = []
    for step in fields(settings):  # type: ignore[arg-type]
        group = getattr(settings, step.name)
        if is_dataclass(group):
            for each in declared(group):
                value = getattr(group, each.name)
                text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
                lines.append(f"{step.name}.{each.name}={text}  {each.metadata['doc']}")
    return "\n".join(lines)


def _parsed(text: str, default: Any, assignment: str) -> Any:  # noqa: ANN401
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[text.lower()]
        if isinstance(default, tuple):
            return tuple(type(default[0])(part) for part in text.split(","))
        return type(default)(text)
    except (ValueError, KeyError) as error:
        kind = _expected(type(default), None, None)
        raise ValueError(f"{assignment!r}: {text!r} is not {kind}") from error


def _is_of(value: object, kind: type) -> bool:
    if kind is tuple:
        return isinstance(value, tuple) and bool(value) and all(_is_of(v, float) for v in value)
    if kind is bool:
        return isinstance(value, bool)
    numbers = (int, float) if kind is float else (int,)
    return isinstance(value, numbers) and not isinstance(value, bool)


def _is_within(value: Any, low: float | None, high: float | None) -> bool:  # noqa: ANN401
    values = value if isinstance(value, tuple) else (value,)
    # Written so that a number that is none (NaN) lies in no range.
    return all(v == v and (low is None or v >= low) and (high is None or v <= high) for v in values)


def _expected(kind: type, low: float | None, high: float | None) -> str:
    if kind is bool:
        return "true or false"
    what = {int: "a whole number", float: "a number", tuple: "numbers"}[kind]
    return (
        what
        + (f" from {low:g}" if low is not None else "")
        + (f" to {high:g}" if high is not None else "")
    )
