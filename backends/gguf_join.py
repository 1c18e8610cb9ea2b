"""One GGUF file of the parts of a split one: transformers reads a single file, and would make up what it does not find.

As gguf-py 0.19.0 copies files in scripts/gguf_new_metadata.py; no tensor is unpacked, and one at a time is in memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def join(parts: tuple[Path, ...], target: Path) -> None:
    """Write `target`. Raises what the library raises for files it cannot read, and OSError."""
    import gguf

    readers = [gguf.GGUFReader(part) for part in parts]
    first = readers[0]
    kind = first.fields[gguf.Keys.General.ARCHITECTURE].contents()
    writer = gguf.GGUFWriter(str(target), kind)
    for field in first.fields.values():
        if field.name.startswith(("GGUF.", "split.")) or field.name == gguf.Keys.General.ARCHITECTURE:
            continue
        listed = field.types[0] == gguf.GGUFValueType.ARRAY
        inner = field.types[-1] if listed else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=inner)
    tensors: list[Any] = [t for reader in readers for t in reader.tensors]
    for t in tensors:
        writer.add_tensor_info(t.name, t.data.shape, t.data.dtype, t.data.nbytes, t.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for t in tensors:
        writer.write_tensor_data(t.data)
    writer.close()
