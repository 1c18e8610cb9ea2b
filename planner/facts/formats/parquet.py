"""Parquet, batch by batch through pyarrow: sizes are checked in the footer before anything is unpacked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from planner.facts.formats.arrow import left_out, plain_columns, pyarrow_for, rows_a_batch, rows_of_batch, said_of
from planner.facts.formats.raw import ROWS_LIMIT, Numbered, Opened, damaged, unreadable
from planner.problem import fail

MAGIC = b"PAR1"
FOOTER_LIMIT_BYTES = 64 * 1024**2
GROUP_LIMIT_BYTES = 8 * 1024**3


def open_parquet(file: Path) -> Opened:
    """Raises ProblemError `data.needs_pyarrow`, `data.damaged`, `data.too_large`, `data.no_columns`."""
    pa = pyarrow_for(file.name)
    _check_ends(file)
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(
            file, thrift_string_size_limit=FOOTER_LIMIT_BYTES, thrift_container_size_limit=1_000_000, pre_buffer=False
        )
        about = opened.metadata
        n, groups = about.num_rows, [about.row_group(i) for i in range(about.num_row_groups)]
        largest = max((g.total_byte_size for g in groups), default=0)
        schema = opened.schema_arrow
    except (pa.ArrowException, OSError, ValueError, TypeError, MemoryError, KeyError) as error:
        raise damaged(file.name, said_of(error)) from None
    if n > ROWS_LIMIT:
        raise fail("data.too_large", f"{file.name} has {n:,} rows.", f"Split it: one file may have {ROWS_LIMIT:,}.")
    if n < 0 or largest > GROUP_LIMIT_BYTES or any(g.num_rows < 0 or g.total_byte_size < 0 for g in groups):
        raise damaged(file.name, "its footer tells of sizes that no such file has")
    columns = plain_columns(schema, file.name)
    size = rows_a_batch(n, sum(g.total_byte_size for g in groups))
    return Opened("parquet", _rows(file, opened, columns, size), notes=left_out(schema, columns))


def _rows(file: Path, opened: Any, columns: list[str], size: int) -> Numbered:
    import pyarrow as pa

    number = 0
    with opened:
        batches = opened.iter_batches(batch_size=size, columns=columns, use_threads=False)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError, ValueError, TypeError, MemoryError, KeyError) as error:
                raise damaged(file.name, f"after row {number:,}: {said_of(error)}") from None
            if batch is None:
                return
            for row in rows_of_batch(batch, file.name):
                number += 1
                yield number, row


def _check_ends(file: Path) -> None:
    """The marks at both ends and the footer's length, before a library sees the file."""
    try:
        with file.open("rb") as f:
            begins = f.read(4)
            size = f.seek(0, 2)
            f.seek(max(size - 8, 0))
            ends = f.read(8)
    except OSError as error:
        raise unreadable(file, error.strerror or "it cannot be read") from None
    if begins != MAGIC or ends[4:] != MAGIC or size < 12:
        raise damaged(file.name, "it does not begin and end as a Parquet file does; perhaps it is not whole")
    footer = int.from_bytes(ends[:4], "little")
    if footer > min(size - 12, FOOTER_LIMIT_BYTES):
        raise damaged(file.name, f"its footer would have {footer:,} bytes")
