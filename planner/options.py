"""How a technique or a schedule describes its options: plain frozen dataclasses whose fields carry metadata.

The window's form, the command line's `--set`, plan files and the checks of bounds all read this one description.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from typing import Any

from planner.problem import Problem, fail


@dataclass(frozen=True)
class Described:
    """What a form needs to draw one option. `choices` are (value, label) pairs; `advanced` ones are folded away."""

    label: str
    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[tuple[Any, str], ...] = ()
    advanced: bool = False


def option(
    default: Any,
    label: str,
    help: str,  # noqa: A002 - the field's word
    *,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[tuple[Any, str], ...] = (),
    advanced: bool = False,
) -> Any:
    """A dataclass field with its description attached (see `Described`)."""
    return field(
        default=default,
        metadata={"option": Described(label, help, unit, minimum, maximum, choices, advanced)},
    )


@dataclass(frozen=True)
class NoOptions:
    """For a technique that has nothing to set."""


def described(options: Any) -> list[tuple[dataclasses.Field[Any], Described]]:
    """The fields of an options dataclass (class or instance) that a person may set, in order."""
    return [(f, f.metadata["option"]) for f in dataclasses.fields(options) if "option" in f.metadata]


def bounds_problems(options: Any, where: str) -> list[Problem]:
    """Every option out of its bounds or choices, each as a `Problem` with code `option.out_of_bounds`."""
    out = []
    for f, d in described(options):
        value = getattr(options, f.name)
        name = f"{where}.{f.name}"
        if d.choices and value not in [v for v, _ in d.choices]:
            allowed = ", ".join(str(v) for v, _ in d.choices)
            out.append(Problem("option.out_of_bounds", f"{name} is {value!r:.80}.", f"Choose one of: {allowed}."))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            low, high = d.minimum, d.maximum
            if value != value or (low is not None and value < low) or (high is not None and value > high):
                span = f"from {low:g}" if high is None else f"from {low:g} to {high:g}"
                out.append(Problem("option.out_of_bounds", f"{name} is {value}.", f"Give a number {span}."))
    return out


def _wanted(kind: Any) -> tuple[Any, bool]:
    """(inner type, may be None) of an annotation."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        inner = [a for a in typing.get_args(kind) if a is not type(None)]
        return inner[0], True
    return kind, False


_IN_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    tuple: "values with commas between them",
}


def coerce(kind: Any, value: Any, name: str) -> Any:
    """`value` (JSON or text typed by a person) as the annotated type, or `option.wrong_type`."""
    inner, optional = _wanted(kind)
    if value is None or (optional and value in ("", "none", "None")):
        if optional:
            return None
        raise fail(
            "option.wrong_type", f"{name} has no value.", f"Give it {_IN_WORDS[typing.get_origin(inner) or inner]}."
        )
    origin = typing.get_origin(inner) or inner
    try:
        if origin is bool:
            if isinstance(value, bool):
                return value
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[str(value).lower()]
        if origin is int:
            if isinstance(value, bool) or (isinstance(value, float) and value != int(value)):
                raise ValueError
            return int(value)
        if origin is float:
            if isinstance(value, bool):
                raise ValueError
            return float(value)
        if origin is str:
            if not isinstance(value, str):
                raise ValueError
            return value
        if origin is tuple:
            parts = [p.strip() for p in value.split(",") if p.strip()] if isinstance(value, str) else list(value)
            (item, *_) = typing.get_args(inner)
            return tuple(coerce(item, p, name) for p in parts)
    except (KeyError, ValueError, TypeError, OverflowError):
        raise fail("option.wrong_type", f"{name} is {value!r:.80}.", f"Give it {_IN_WORDS[origin]}.") from None
    raise TypeError(f"option {name} has an unsupported type {kind}")


def from_mapping(cls: type[Any], values: dict[str, Any], where: str) -> Any:
    """An options instance from a JSON mapping. Unknown keys are refused, never ignored (`option.unknown`)."""
    hints = typing.get_type_hints(cls)
    known = {f.name for f in dataclasses.fields(cls)}
    for key in values:
        if key not in known:
            raise fail(
                "option.unknown",
                f"{where} has no option called {key!r:.80}.",
                f"Options there: {', '.join(sorted(known)) or 'none'}.",
            )
    return cls(**{key: coerce(hints[key], value, f"{where}.{key}") for key, value in values.items()})


def to_mapping(options: Any) -> dict[str, Any]:
    """The JSON form of an options instance; tuples become lists."""
    return {
        f.name: list(v) if isinstance(v := getattr(options, f.name), tuple) else v for f in dataclasses.fields(options)
    }
