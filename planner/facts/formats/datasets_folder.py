"""A folder as `datasets` saves it (Arrow files and JSON), or as the Hub keeps it (files of rows, one or more a split).

Where there are splits, train is read, and the notes say so. Names in the folder's JSON are names of files beside it,
never paths elsewhere. Arrow files are mapped, not copied, so a wrong size in one can claim no memory.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from planner.facts.formats.arrow import left_out, plain_columns, pyarrow_for, rows_of_batch, said_of
from planner.facts.formats.raw import ROWS_LIMIT, Numbered, Opened, Unreadable, damaged, unreadable
from planner.facts.json_file import read_object
from planner.problem import fail

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
TRAIN = "train"
OTHER_SPLITS = ("test", "validation", "valid", "eval", "dev", "val")
ROW_FILES = (".parquet", ".arrow", ".jsonl", ".json", ".csv", ".tsv", ".txt")
MOST_FILES = 10_000
DEEP = 2


def is_datasets_folder(folder: Path) -> bool:
    """Whether a folder looks like rows at all."""
    try:
        return bool(_saved(folder) or (folder / SPLITS).is_file() or _row_files(folder))
    except OSError:
        return False


def files_of(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    """The files whose rows are read, in order, and what to know of the choice. Raises ProblemError `data.*`."""
    try:
        if (folder / SPLITS).is_file() and not _saved(folder):
            return _of_splits(folder)
        if _saved(folder):
            return _arrow_files(folder), ()
        return _of_hub(folder)
    except OSError as error:
        raise unreadable(folder, error.strerror or "it cannot be read") from None


def open_folder(folder: Path, open_file: Callable[[Path], Opened]) -> Opened:
    """open_file: opens one file that is not Arrow's. Raises ProblemError `data.*`."""
    files, notes = files_of(folder)
    if all(f.suffix == ".arrow" for f in files):
        pyarrow_for(folder.name)
    first = open_arrow(files[0]) if files[0].suffix == ".arrow" else open_file(files[0])
    return Opened("datasets", _rows(files, first, open_file), notes=(*notes, *first.notes))


def _rows(files: list[Path], first: Opened, open_file: Callable[[Path], Opened]) -> Numbered:
    number = 0
    for i, file in enumerate(files):
        part = first if i == 0 else open_arrow(file) if file.suffix == ".arrow" else open_file(file)
        for in_file, value in part.rows:
            number += 1
            if isinstance(value, Unreadable) and len(files) > 1:
                value = Unreadable(f"{value} ({part.counted_in.lower()} {in_file:,} of {file.name})")
            yield number, value


def open_arrow(file: Path) -> Opened:
    """An Arrow file, as a stream (what `datasets` writes) or with a table of contents."""
    pa = pyarrow_for(file.name)
    try:
        with pa.memory_map(str(file)) as mapped:
            try:
                schema = pa.ipc.open_stream(mapped).schema
            except pa.ArrowInvalid:
                mapped.seek(0)
                schema = pa.ipc.open_file(mapped).schema
    except (pa.ArrowException, OSError, ValueError, TypeError, MemoryError, KeyError) as error:
        raise damaged(file.name, said_of(error)) from None
    columns = plain_columns(schema, file.name)
    return Opened("datasets", _arrow_rows(file, columns), notes=left_out(schema, columns))


def _arrow_rows(file: Path, columns: list[str]) -> Numbered:
    import pyarrow as pa

    number = 0
    try:
        with pa.memory_map(str(file)) as mapped:
            for batch in _batches(pa, mapped):
                if batch.num_rows > ROWS_LIMIT:
                    raise damaged(file.name, f"after row {number:,} it tells of {batch.num_rows:,} rows")
                for row in rows_of_batch(batch.select(columns), file.name):
                    number += 1
                    yield number, row
    except (pa.ArrowException, OSError, ValueError, TypeError, MemoryError, KeyError) as error:
        raise damaged(file.name, f"after row {number:,}: {said_of(error)}") from None


def _batches(pa: Any, mapped: Any) -> Any:
    try:
        return iter(pa.ipc.open_stream(mapped))
    except pa.ArrowInvalid:
        mapped.seek(0)
        found = pa.ipc.open_file(mapped)
        return (found.get_batch(i) for i in range(found.num_record_batches))


def _saved(folder: Path) -> bool:
    return (folder / STATE).is_file() and (folder / INFO).is_file()


def _arrow_files(folder: Path) -> list[Path]:
    """The files that state.json names, beside it."""
    state = read_object(folder / STATE, "data.folder")
    listed = state.get("_data_files")
    if state.get("_indices_data_files"):
        raise damaged(folder.name, "its rows are chosen by a list of numbers, which only old versions wrote")
    names = [x.get("filename") if isinstance(x, dict) else None for x in listed] if isinstance(listed, list) else []
    if not names or len(names) > MOST_FILES:
        raise damaged(folder.name, f"{STATE} names no files of rows")
    found = []
    for name in names:
        if not isinstance(name, str) or not name.endswith(".arrow") or Path(name).name != name or "\\" in name:
            raise damaged(folder.name, f"{STATE} names {name!r:.60}, which is no Arrow file beside it")
        try:
            there = (folder / name).is_file()
        except ValueError:
            there = False
        if not there:
            raise damaged(folder.name, f"{name!r:.60}, which {STATE} names, is not there")
        found.append(folder / name)
    return found


def _of_splits(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    listed = read_object(folder / SPLITS, "data.folder").get("splits")
    names = [n for n in listed if isinstance(n, str)] if isinstance(listed, list) else []
    names = [n for n in names if n and "\0" not in n and Path(n).name == n and "\\" not in n][:100]
    if not names:
        raise damaged(folder.name, f"{SPLITS} names no splits")
    split = TRAIN if TRAIN in names else names[0]
    if not _saved(folder / split):
        raise damaged(folder.name, f"the split {split!r:.60}, which {SPLITS} names, is not there")
    return _arrow_files(folder / split), _note(split, names)


def _of_hub(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    """Files of rows, those whose names tell of training where some do."""
    found = _row_files(folder)
    if not found:
        raise fail(
            "data.no_rows_there",
            f"{folder.name} holds no files of rows.",
            f"Choose a folder that `datasets` has saved, or one with files ending in {', '.join(ROW_FILES)}.",
        )
    kind = min({f.suffix.lower() for f in found}, key=ROW_FILES.index)
    alike = [f for f in found if f.suffix.lower() == kind]
    notes = [f"Only files ending in {kind} are read."] if len(alike) < len(found) else []
    splits = {f: _split_of(f.relative_to(folder)) for f in alike}
    names = sorted(set(splits.values()) - {""})
    if not names:
        return alike, tuple(notes)
    split = TRAIN if TRAIN in names else "" if "" in splits.values() else names[0]
    notes.extend(_note(split, names))
    return [f for f in alike if splits[f] == split], tuple(notes)


def _row_files(folder: Path) -> list[Path]:
    found: list[Path] = []
    level = [folder]
    for _ in range(DEEP + 1):
        below: list[Path] = []
        for place in level:
            for entry in sorted(place.iterdir())[:MOST_FILES]:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    below.append(entry)
                elif entry.suffix.lower() in ROW_FILES and entry.is_file() and entry.name not in (STATE, INFO, SPLITS):
                    found.append(entry)
        level = below[:MOST_FILES]
    return found[:MOST_FILES]


def _split_of(path: Path) -> str:
    """train-00000-of-00004.parquet, data/train/0.csv, questions_train.jsonl: train; empty where no part names a split."""
    for part in reversed(path.parts):
        pieces = part.lower().replace("_", "-").replace(".", "-").split("-")
        for name in (TRAIN, *OTHER_SPLITS):
            if name in pieces:
                return name
    return ""


def _note(split: str, names: list[str]) -> tuple[str, ...]:
    others = [n for n in names if n != split]
    if not others:
        return ()
    return (f"Only the split {split} is read; there is also {', '.join(f'{n:.40}' for n in others[:8])}.",)
