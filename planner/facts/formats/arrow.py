"""What Parquet files and `datasets` folders have in common: pyarrow, columns of plain values, and rows made of batches.

pyarrow comes with the [train] extra, so it is imported here and only when such a file is opened. Only plain values are
read (texts, numbers, lists and objects of them): extension types, pictures and the like are left out, so nothing in a
file can name code to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from planner.facts.formats.raw import COLUMNS_LIMIT, damaged
from planner.problem import fail

BATCH_BYTES = 8 * 1024**2
MOST_IN_BATCH = 1000
DEPTH_LIMIT = 8


def pyarrow_for(name: str) -> Any:
    """The library. Raises ProblemError `data.needs_pyarrow`."""
    try:
        import pyarrow
    except ImportError:
        raise fail(
            "data.needs_pyarrow",
            f"{name} is read with pyarrow, which is not installed.",
            "Install it: pip install pyarrow; or save the rows as JSONL or CSV.",
        ) from None
    return pyarrow


def plain_columns(schema: Any, name: str) -> list[str]:
    """Columns that can be shown and trained on. Raises ProblemError `data.damaged`, `data.no_columns`."""
    if len(schema) > COLUMNS_LIMIT:
        raise damaged(name, f"it has {len(schema):,} columns, more than {COLUMNS_LIMIT:,}")
    try:
        names = [field.name for field in schema]
    except UnicodeDecodeError:
        raise damaged(name, "the name of a column is not UTF-8") from None
    if len(set(names)) != len(names):
        raise damaged(name, "two of its columns have one name")
    found = [field.name for field in schema if _is_plain(field.type)]
    if not found:
        raise fail("data.no_columns", f"{name} has no column of text or numbers.", "Choose another file.")
    return found


def left_out(schema: Any, kept: list[str]) -> tuple[str, ...]:
    """A note on columns that are not read."""
    others = [field.name for field in schema if field.name not in kept]
    return (
        (f"Not read, being neither text nor numbers: {', '.join(f'{o:.60}' for o in others[:8])}.",) if others else ()
    )


def rows_of_batch(batch: Any, name: str) -> Iterator[dict[str, Any]]:
    """Of a record batch. Raises ProblemError `data.damaged`: a batch is checked whole, then read."""
    import pyarrow as pa

    try:
        batch.validate(full=True)
        for at in range(0, batch.num_rows, MOST_IN_BATCH):  # columns of nothing may have any number of rows
            yield from batch.slice(at, MOST_IN_BATCH).to_pylist()
    except (pa.ArrowException, ValueError, TypeError, OverflowError, OSError, MemoryError, KeyError) as error:
        raise damaged(name, said_of(error)) from None


def rows_a_batch(rows: int, size_bytes: int) -> int:
    """So many that a batch has some megabytes."""
    return max(1, min(MOST_IN_BATCH, BATCH_BYTES * max(rows, 1) // max(size_bytes, 1)))


def said_of(error: BaseException) -> str:
    """The first words of what the library says, on one line."""
    return " ".join(str(error).split())[:160].rstrip(".") or type(error).__name__


def _is_plain(kind: Any, depth: int = 0) -> bool:
    import pyarrow as pa

    t = pa.types
    if isinstance(kind, pa.BaseExtensionType) or depth > DEPTH_LIMIT:
        return False
    if t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind):
        return _is_plain(kind.value_type, depth + 1)
    if t.is_struct(kind):
        return kind.num_fields > 0 and all(_is_plain(kind.field(i).type, depth + 1) for i in range(kind.num_fields))
    if t.is_dictionary(kind):
        return _is_plain(kind.value_type, depth + 1)
    plain = (t.is_string, t.is_large_string, t.is_integer, t.is_floating, t.is_boolean, t.is_null)
    return any(is_it(kind) for is_it in plain)
