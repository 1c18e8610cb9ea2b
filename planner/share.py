"""A plan as a text that can be pasted into a message and opened again: `plimsoll-plan:1:LENGTH:CHECK:…`.

The text holds the plan file's own JSON, without what says whose plan it is (`share_stripped`), packed. It knows how long
it is and checks itself, so a message may wrap, quote and surround it. What comes in is a stranger's: it is bounded
before it is unpacked, and read as strictly as a plan file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from dataclasses import dataclass, replace
from typing import Any

from planner import plan_file, strict_json
from planner.estimate import estimate
from planner.key_shapes import KNOWN_KEY
from planner.plan import Plan
from planner.problem import ProblemError, fail
from planner.share_rows import REORDERED, counted, from_counts
from planner.share_stripped import stripped
from planner.strict_json import DamagedError

WORD, VERSION = "plimsoll-plan", 1
SHORT = 8_000  # characters; above, lengths travel counted
LONGEST = 1_000_000  # characters of one text
LARGEST_BYTES = 32 * 1024**2  # unpacked
WIDTH = 76
_HEAD = re.compile(rf"{WORD}:\s*(\d{{1,9}}):\s*(\d{{1,9}}):\s*([0-9a-f]{{12}}):", re.ASCII)
_LETTERS = re.compile(r"[A-Za-z0-9_-]+")
AGAIN = "Copy it once more, from its first word to its last character, or ask for the plan as a file."


@dataclass(frozen=True)
class Shared:
    """The plan of a text, and what a person should know of it."""

    plan: Plan
    remarks: tuple[str, ...] = ()


def as_text(plan: Plan) -> str:
    """The plan's text, in lines. Raises ProblemError `share.too_long`, `share.looks_like_a_key`."""
    plan = stripped(plan)
    text = _packed({"plan": plan_file.plan_to_json(plan)})
    if len(text) > SHORT and plan.data.lengths:
        needs = _needs(plan)
        rows = counted(
            plan.data, [s.schedule for s in plan.stages], lambda data: _needs(replace(plan, data=data)) == needs
        )
        if rows is not None:
            bare = replace(plan, data=replace(plan.data, lengths=(), prompt_lengths=()))
            text = _packed({"plan": plan_file.plan_to_json(bare), "rows": rows})
    if len(text) > LONGEST:
        raise fail("share.too_long", "This plan does not fit into a text.", "Save it as a file, and send the file.")
    return text


def _needs(plan: Plan) -> tuple[object, ...]:
    """Everything of an estimate that is a figure."""
    now = estimate(plan)
    return now.verdict, now.certain, [(t.place, t.low_bytes, t.peak_bytes, t.high_bytes, t.totals) for t in now.tiers]


def from_text(text: str) -> Plan:
    """The plan in a text, wherever in a message it stands. Raises ProblemError, see `read`."""
    return read(text).plan


def holds_plan(text: str) -> bool:
    """Whether there is a plan's text in it, as far as can be seen without unpacking."""
    return _HEAD.search(text) is not None


def read(text: str) -> Shared:
    """The plan in a text, with remarks. Raises ProblemError: `share.none`, `share.newer`, `share.damaged`, and those of
    plan files."""
    head = _HEAD.search(text)
    if head is None:
        raise fail(
            "share.none",
            "There is no plan in this text.",
            f"A shared plan begins with {WORD}:{VERSION}: and has some lines of letters after it.",
        )
    version, length, check = int(head[1]), int(head[2]), head[3]
    if version > VERSION:
        raise fail(
            "share.newer",
            f"The shared plan is of version {version}; this program reads up to {VERSION}.",
            "Update this program, or ask for the plan as a file.",
        )
    try:
        packed = _letters(text, head.end(), length)
        if version < 1 or _check(packed) != check:
            raise DamagedError("its check does not agree")
        return _shared(strict_json.parse(_unpacked(packed).decode()))
    except UnicodeDecodeError:
        raise _damaged("it is not text in UTF-8") from None
    except DamagedError as damage:
        raise _damaged(str(damage)) from None
    except ProblemError as error:
        if error.problem.code == "plan.damaged":
            raise _damaged(error.problem.fact.partition(": ")[2].rstrip(".")) from None
        raise


def _letters(text: str, start: int, length: int) -> str:
    """So many letters of the text's alphabet from `start` on; spaces, line breaks and marks of quotation are skipped."""
    if length > LONGEST:
        raise DamagedError(f"it says that it has {length:,} characters")
    found, had = [], 0
    for run in _LETTERS.finditer(text, start):
        found.append(run[0])
        had += len(run[0])
        if had >= length:
            return "".join(found)[:length]
    raise DamagedError(f"{length - had:,} of its {length:,} characters are missing")


def _unpacked(packed: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        unpacking = zlib.decompressobj()
        found = unpacking.decompress(raw, LARGEST_BYTES)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise DamagedError(f"it cannot be unpacked ({error})") from None
    if not unpacking.eof or unpacking.unused_data:
        raise DamagedError("it is larger than a plan may be, or has no end")
    return found


def _shared(value: Any) -> Shared:
    found = strict_json.fields(value, "text", {"plan"}, {"rows"})
    plan = plan_file.plan_from_json(found["plan"])
    if "rows" not in found:
        return Shared(stripped(plan))
    return Shared(stripped(replace(plan, data=from_counts(plan.data, found["rows"]))), (REORDERED,))


def _packed(value: dict[str, Any]) -> str:
    plain = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    if re.search(KNOWN_KEY, plain):
        raise fail(
            "share.looks_like_a_key",
            "A name in this plan looks like the key of a service, so it is not shared.",
            "Rename the model's folder, or look at the plan's options.",
        )
    for level in (9, 8, 7, 6, 5, 4):  # letters could by chance look like a key, which others would then blot out
        letters = base64.urlsafe_b64encode(zlib.compress(plain.encode(), level)).decode().rstrip("=")
        text = f"{WORD}:{VERSION}:{len(letters)}:{_check(letters)}:{letters}"
        lines = "\n".join(text[i : i + WIDTH] for i in range(0, len(text), WIDTH))
        if not re.search(KNOWN_KEY, text) and not re.search(KNOWN_KEY, lines):
            break
    return lines


def _check(letters: str) -> str:
    return hashlib.sha256(letters.encode()).hexdigest()[:12]


def _damaged(how: str) -> ProblemError:
    return fail("share.damaged", f"The shared plan is damaged: {how}.", AGAIN)
