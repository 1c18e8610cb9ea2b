"""Reads JSON that a stranger may have written, and checks it field by field against a dataclass.

Nothing here knows what a plan is. Whatever is wrong ends in `DamagedError` with the place and a short fact; no KeyError,
RecursionError or surprise type leaves this module, and nothing is ignored: an unknown field is an error.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import types
import typing
from collections.abc import Sequence
from typing import Any

LARGEST_FILE_BYTES = 256 * 1024**2  # token lengths of some ten million rows; a plan is usually a few KiB
LONGEST_STRING = 1_000_000
LARGEST_INT = 2**63 - 1
LONGEST_FACT = 600  # letters of a message
MANY = 1000
"""Numbers from which on a list of them is handled as one."""
AT_ONCE = 1 << 16
"""Numbers that are looked at in one call: Python lets no other thread go on within one."""
IN_A_LINE = 500
DEEPEST_VALUE = 8  # nesting of free JSON values (library arguments)


class DamagedError(Exception):
    """What is wrong and where, in words: `stages[0].schedule.micro_batch should be an int, it is 'four'`."""

    def __init__(self, text: str) -> None:
        """A field's name is a stranger's too, and may be endless."""
        super().__init__(
            text if len(text) <= LONGEST_FACT else f"{text[: LONGEST_FACT // 2]} … {text[-LONGEST_FACT // 2 :]}"
        )


def shown(value: Any) -> str:
    """A value as it may be quoted in a message: one line, short, printable."""
    text = ascii(value) if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."


def _no_constant(text: str) -> Any:
    raise DamagedError(f"it holds {text}, which is not a number")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DamagedError("a field is given twice in one object")
    return found


def parse(text: str) -> Any:
    """JSON text as plain values; duplicate fields, NaN and nesting beyond reason raise `DamagedError`."""
    if len(text) > LARGEST_FILE_BYTES:
        raise DamagedError(f"it is longer than {LARGEST_FILE_BYTES // 1024**2} MiB")
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_twins)
    except RecursionError:
        raise DamagedError("it is nested too deeply") from None
    except ValueError as error:
        raise DamagedError(f"it is not JSON ({error})") from None


def mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DamagedError(f"{where} should be an object, it is {shown(value)}")
    return value


def sequence(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise DamagedError(f"{where} should be a list, it is {shown(value)}")
    return value


def fields(value: Any, where: str, required: set[str], optional: set[str] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
    """The object at `where`, with exactly these fields."""
    found = mapping(value, where)
    if unknown := sorted(set(found) - required - optional):
        raise DamagedError(f"{where} has a field {shown(unknown[0])}, which does not belong there")
    if missing := sorted(required - set(found)):
        raise DamagedError(f"{where} lacks the field {missing[0]!r}")
    return found


def free_value(value: Any, where: str, depth: int = 0) -> Any:
    """Any JSON value within reason: finite numbers, bounded strings and nesting."""
    if depth > DEEPEST_VALUE:
        raise DamagedError(f"{where} is nested too deeply")
    if isinstance(value, dict):
        return {typed(str, k, where): free_value(v, f"{where}.{k}", depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [free_value(v, where, depth + 1) for v in value]
    if value is None:
        return None
    return typed(type(value), value, where)


def typed(kind: Any, value: Any, where: str) -> Any:
    """`value` checked against an annotation: str, int, float, bool, Literal, an enum, tuple[X, …], X | None, a dataclass."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        (kind,) = [a for a in typing.get_args(kind) if a is not type(None)]
        origin = typing.get_origin(kind)
    if origin is typing.Literal:
        known = typing.get_args(kind)
        if not isinstance(value, str) or value not in known:
            raise DamagedError(f"{where} is {shown(value)}; known are {', '.join(known)}")
        return value
    if origin is tuple:
        items = typing.get_args(kind)
        found = sequence(value, where)
        if items[-1] is not Ellipsis and len(found) != len(items):
            raise DamagedError(f"{where} has {len(found)} entries, not {len(items)}")
        if items == (int, Ellipsis) and len(found) >= MANY and whole_numbers(found, LARGEST_INT):
            return tuple(found)
        kinds = items if items[-1] is not Ellipsis else items[:1] * len(found)
        return tuple(typed(kinds[i], v, f"{where}[{i}]") for i, v in enumerate(found))
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return record(kind, value, where)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        members = {member.value: member for member in kind}
        if not isinstance(value, str) or value not in members:
            raise DamagedError(f"{where} is {shown(value)}; known are {', '.join(sorted(members))}")
        return members[value]
    if kind is float and type(value) is int:
        value = float(value) if abs(value) <= LARGEST_INT else value
    if type(value) is not kind:  # bool is no int here
        raise DamagedError(f"{where} should be {_NAMES.get(kind, kind)}, it is {shown(value)}")
    if kind is str and len(value) > LONGEST_STRING:
        raise DamagedError(f"{where} is longer than {LONGEST_STRING} characters")
    if kind is int and abs(value) > LARGEST_INT:
        raise DamagedError(f"{where} is beyond any size a computer has")
    if kind is float and not math.isfinite(value):
        raise DamagedError(f"{where} is not a finite number")
    return value


_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def record(cls: type[Any], value: Any, where: str) -> Any:
    """A dataclass instance from a JSON object with its fields; those with a default may be left out."""
    hints = typing.get_type_hints(cls)
    declared = dataclasses.fields(cls)
    required = {
        f.name for f in declared if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }
    found = fields(value, where, required, {f.name for f in declared} - required)
    return cls(**{name: typed(hints[name], v, f"{where}.{name}") for name, v in found.items()})


def plain(value: Any) -> Any:
    """Dataclasses, enums and tuples as what JSON can hold; the inverse of `typed`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return list(value) if len(value) >= MANY and whole_numbers(value) else [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def whole_numbers(values: Sequence[Any], most: int | None = None) -> bool:
    """Whether these are whole numbers and nothing else, none of them beyond `most`; a look at each takes much longer."""
    for start in range(0, len(values), AT_ONCE):
        some = values[start : start + AT_ONCE]
        if set(map(type, some)) != {int} or (most is not None and (min(some) < -most or max(some) > most)):
            return False
    return True


def render(value: Any) -> bytes:
    """Readable JSON as UTF-8; a text with a lone surrogate (an odd file name) is written with escapes throughout. Of many
    numbers, hundreds stand in a line."""
    numbers: list[list[int]] = []
    spared = _without_numbers(value, numbers)
    try:
        text = json.dumps(spared, indent=1, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        text = json.dumps(spared, indent=1, ensure_ascii=True, allow_nan=False).encode()
    if not numbers:
        return text + b"\n"
    parts = text.split(_PLACE.encode())
    if len(parts) != len(numbers) + 1:  # a stranger's text has the very words that keep the place
        return json.dumps(value, ensure_ascii=True, allow_nan=False).encode() + b"\n"
    pieces = [parts[0]]
    for of, part in zip(numbers, parts[1:], strict=True):
        lines = (", ".join(map(str, of[i : i + IN_A_LINE])) for i in range(0, len(of), IN_A_LINE))
        pieces += [b"[\n", ",\n".join(lines).encode(), b"\n]", part]
    return b"".join([*pieces, b"\n"])


_PLACE = '"\\u0001many numbers\\u0001"'  # as JSON has it


def _without_numbers(value: Any, numbers: list[list[int]]) -> Any:
    """The same with a text in the place of each long list of whole numbers, which is put into `numbers`."""
    if isinstance(value, dict):
        return {k: _without_numbers(v, numbers) for k, v in value.items()}
    if isinstance(value, list) and len(value) >= MANY and whole_numbers(value):
        numbers.append(value)
        return json.loads(_PLACE)
    return value
