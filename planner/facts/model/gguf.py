"""From a GGUF file to `ModelFacts`: its settings read as the config.json that transformers makes of it when it is converted.

A run never trains on the packed weights: the file is turned into a folder of bfloat16 safetensors once, and the facts
are those of that folder, so that a plan made from the header holds for the run. What the conversion could not carry
over makes the model unsupported, with the tensor's or the class's name. Parts of a split file are read as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from planner.facts.json_file import damaged
from planner.facts.model.architectures import UNSUPPORTED
from planner.facts.model.config import facts_from_config
from planner.facts.model.facts import ModelFacts
from planner.facts.model.gguf_header import CODE, GgufHeader, read_gguf_header, tensor_types
from planner.facts.model.gguf_names import CLASSES, COMPUTED, SIZES, config_of, wanted, whole
from planner.facts.model.gguf_parts import parts_of, plain_name
from planner.facts.model.safetensors_header import TensorHeader
from planner.problem import fail

GGUF = "gguf"  # the word for such a model's source
STORED_BYTES = 2  # of each value after the conversion, which writes bfloat16


def read_gguf(path: Path | str, *, name: str = "") -> ModelFacts:
    """The facts of the model that the file becomes when it is converted. Raises ProblemError `gguf.*` and `model.*`."""
    parts = parts_of(Path(path))
    headers = [read_gguf_header(part) for part in parts]
    first = headers[0]
    tensors: dict[str, TensorHeader] = {}
    for header in headers:
        tensors.update(header.tensors)
    _check_parts(headers, tensors)
    name = name or plain_name(parts[0])
    kind = first.settings.get("general.architecture")
    if not isinstance(kind, str) or not kind:
        raise damaged(CODE, first.path.name, "it does not say which kind of model it holds")
    if "tokenizer.ggml.tokens" not in first.settings:
        raise fail("model.no_tokenizer", f"{first.path.name} holds no tokenizer.", "Choose a file of the whole model.")
    config = config_of(first, kind, tensors)
    facts = facts_from_config(config, name=name, source=GGUF, provenance=f"the header of {first.path.name}")
    facts = replace(
        facts,
        gguf=str(parts[0].resolve()),
        has_chat_template="tokenizer.chat_template" in first.settings,
        stored_bytes=facts.params * STORED_BYTES,
    )
    because = _not_computed(facts, kind, first, tensors)
    if because:
        params = facts.params or sum(t.elements for t in tensors.values())
        return replace(facts, family=UNSUPPORTED, unsupported_because=because, params=params)
    _hold_against(facts, tensors)
    return facts


def _check_parts(headers: list[GgufHeader], tensors: Mapping[str, TensorHeader]) -> None:
    """Parts that do not belong together are refused: they say which they are, and how many tensors there are."""
    count, first = whole(headers[0], "split.count"), headers[0]
    if count and count != len(headers):
        raise damaged(CODE, first.path.name, f"it is one of {count:,} parts, and its name does not say so")
    for number, header in enumerate(headers):
        if len(headers) > 1 and header.settings.get("split.no", number) != number:
            raise damaged(CODE, header.path.name, "it is another part than its name says")
    total = whole(first, "split.tensors.count")
    if total and total != len(tensors):
        raise damaged(CODE, first.path.name, f"its parts should hold {total:,} tensors and hold {len(tensors):,}")


def _not_computed(facts: ModelFacts, kind: str, first: GgufHeader, tensors: Mapping[str, TensorHeader]) -> str:
    """Why no plan is made of it; empty where its shapes are those of the folder it becomes."""
    if kind not in CLASSES:
        kinds = ", ".join(sorted(CLASSES))
        return f"GGUF files of the kind {kind[:40]!r} cannot be planned and run yet. Known kinds are: {kinds}."
    lists = [k for k in SIZES if isinstance(first.settings.get(f"{kind}.{k}"), tuple)]
    if lists:
        return f"Its layers differ in their sizes ({lists[0]}), and that is not computed yet."
    if facts.unsupported_because:
        return facts.unsupported_because
    packed = sorted({t.dtype for t in tensors.values()} - {t.name for t in tensor_types().values() if t.unpacked})
    if packed:
        return (
            f"Some of its tensors are packed as {packed[0]}, which cannot be unpacked. Choose its safetensors version."
        )
    stray = sorted(set(tensors) - set(wanted(facts)) - set(COMPUTED))
    if stray and wanted(facts):
        return (
            f"It holds tensors that its class ({facts.architecture}) does not have, such as {stray[0][:60]!r}, and the "
            "conversion would leave them out."
        )
    return ""


def why_not_converted(path: Path) -> str:
    """Why a file that can be planned cannot be turned into a folder to train; empty when it can. Raises as `read_gguf`."""
    first = read_gguf_header(parts_of(path)[0])
    kind = str(first.settings.get("general.architecture"))
    known = CLASSES.get(kind)
    if known is None or not known.converted:
        return f"GGUF files of the kind {kind[:40]!r} can be planned, and transformers 5.23 cannot convert them."
    scaled = first.settings.get(f"{kind}.rope.scaling.type")
    if (isinstance(scaled, str) and scaled not in ("none", "")) or set(COMPUTED) & set(first.tensors):
        return (
            f"{first.path.name} scales its positions, and transformers 5.23 leaves that out when it converts: another "
            "model would be trained."
        )
    return ""


def _hold_against(facts: ModelFacts, tensors: Mapping[str, TensorHeader]) -> None:
    """Raises `model.tensor_missing` or `model.shape_mismatch` where the file is not what its settings say."""
    want = wanted(facts)
    missing = [n for n in want if n not in tensors]
    if missing:
        raise fail(
            "model.tensor_missing",
            f"{facts.name} should hold {len(want):,} tensors; {len(missing):,} are missing, the first {missing[0]}.",
            "Choose a file of the whole model.",
        )
    for n, shape in want.items():
        if tensors[n].shape != shape:
            raise fail(
                "model.shape_mismatch",
                f"{n} is stored as {tensors[n].shape}, the file's settings give {shape}.",
                "Fetch the file again from where the model was published.",
            )
