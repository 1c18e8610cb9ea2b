"""From a folder in Hugging Face's layout to `ModelFacts`: config.json, safetensors headers, tokenizer, chat template.

The config says what the class will build, the headers say what is stored; where they differ the folder is refused,
because a run would load something else than what was planned. No weight is read, except a few sampled blocks that
tell whether a stored head equals the embedding it is said to be tied to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from planner.facts.json_file import CONFIG_LIMIT_BYTES, read_bytes, read_object
from planner.facts.model.config import facts_from_config
from planner.facts.model.facts import ModelFacts
from planner.facts.model.safetensors_header import StoredWeights, TensorHeader, read_weights
from planner.facts.model.shapes import expected, expected_params, head_and_embedding
from planner.problem import ProblemError, fail

TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
TOKENIZER_LIMIT_BYTES = 256 * 1024**2
SAMPLED_BLOCKS, BLOCK_BYTES = 64, 4096


def read_folder(path: Path | str, *, name: str = "", source: str = "folder") -> ModelFacts:
    """The facts of the model in `path`. Raises ProblemError `model.*`, each with what to do about it."""
    folder = Path(path)
    try:
        files = {p.name for p in folder.iterdir()}
        return _read(folder, files, name or folder.resolve().name, source)
    except FileNotFoundError:
        raise fail(
            "model.not_found", f"There is no folder {folder}.", "Choose the folder that holds config.json."
        ) from None
    except NotADirectoryError:
        raise fail(
            "model.not_found", f"{folder} is a file.", "Choose the folder that holds config.json and the weights."
        ) from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "the path cannot be used"
        raise fail("model.unreadable", f"{folder}: {said}.", "Check the path and who may read it.") from None


def _read(folder: Path, files: set[str], name: str, source: str) -> ModelFacts:
    if "config.json" not in files:
        raise _no_config(folder, files)
    if "adapter_config.json" in files:  # transformers would load the base that this file names, wherever that lies
        raise fail(
            "model.is_adapter",
            f"{folder} holds an adapter beside the model.",
            "Choose the folder of the model that the adapter was trained on.",
        )
    config = read_object(folder / "config.json", "model.config")
    facts = facts_from_config(config, name=name, source=source, path=str(folder.resolve()))
    weights = read_weights(folder)
    if weights is None:
        raise _no_weights(folder, files)
    facts = replace(
        facts,
        stored_bytes=weights.bytes,
        stored_dtype=weights.dtype or facts.stored_dtype,
        provenance=f"config.json and the safetensors headers in {folder.name}",
    )
    facts = replace(facts, params=weights.elements) if facts.unsupported_because else _held_against(facts, weights)
    if not files & set(TOKENIZERS):
        raise fail(
            "model.no_tokenizer",
            f"{folder} holds no tokenizer.",
            "Put the model's tokenizer.json and tokenizer_config.json beside its weights.",
        )
    return replace(facts, tokenizer=tokenizer_digest(folder), has_chat_template=bool(_template(folder, files)))


def _held_against(facts: ModelFacts, weights: StoredWeights) -> ModelFacts:
    """The facts, when the stored tensors are those the class builds; else `model.tensor_missing` or `model.shape_mismatch`."""
    stored = weights.tensors
    head, embedding = head_and_embedding(facts)
    if facts.tied_head and head in stored and embedding in stored and not _same_bytes(stored[head], stored[embedding]):
        # transformers keeps both when they differ, whatever the config says
        facts = replace(facts, tied_head=False)
        facts = replace(facts, params=expected_params(facts))
    want = expected(facts)
    body = f"{embedding.split('.')[0]}."
    if embedding not in stored and embedding.removeprefix(body) in stored:
        want = {n.removeprefix(body): shape for n, shape in want.items()}  # saved without its head, which is tied to it
    elif facts.tied_head and embedding not in stored and head in stored:
        want[head] = want.pop(embedding)  # tied weights may be stored under either name
    missing = [n for n in want if n not in stored]
    if missing:
        raise fail(
            "model.tensor_missing",
            f"{facts.name} should hold {len(want):,} tensors; {len(missing):,} are missing, the first {missing[0]}.",
            "The download is incomplete, or config.json belongs to another model.",
        )
    for n, shape in want.items():
        if stored[n].shape != shape:
            raise fail(
                "model.shape_mismatch",
                f"{n} is stored as {_times(stored[n].shape)}, config.json gives {_times(shape)}.",
                "Fetch config.json and the weights from the same place.",
            )
    return facts


def _times(shape: Iterable[int]) -> str:
    return " × ".join(f"{d:,}" for d in shape) or "a single value"


def _same_bytes(a: TensorHeader, b: TensorHeader) -> bool:
    """Whether two stored tensors look equal: dtype, shape and blocks sampled over their whole length."""
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    with a.file.open("rb") as fa, b.file.open("rb") as fb:
        for i in range(SAMPLED_BLOCKS):
            at = (a.bytes - BLOCK_BYTES) * i // (SAMPLED_BLOCKS - 1) if a.bytes > BLOCK_BYTES else 0
            length = min(BLOCK_BYTES, a.bytes)
            fa.seek(a.begin + at)
            fb.seek(b.begin + at)
            if fa.read(length) != fb.read(length):
                return False
    return True


def _template(folder: Path, files: set[str]) -> str:
    """The chat template's text, from its own file or from tokenizer_config.json; empty when there is none."""
    if "chat_template.jinja" in files:
        raw = read_bytes(folder / "chat_template.jinja", "model.tokenizer", limit=CONFIG_LIMIT_BYTES)
        return raw.decode("utf-8", "replace")
    for name in ("chat_template.json", "tokenizer_config.json"):
        if name in files and (found := read_object(folder / name, "model.tokenizer").get("chat_template")):
            return found if isinstance(found, str) else json.dumps(found, sort_keys=True)
    return ""


def tokenizer_digest(folder: Path) -> str:
    """sha256 over tokenizer.json and the chat template: together they decide how many tokens a row has.

    Empty when the folder has no tokenizer.json. Raises ProblemError `model.tokenizer_*`.
    """
    files = {p.name for p in folder.iterdir()}
    if "tokenizer.json" not in files:
        return ""
    raw = read_bytes(folder / "tokenizer.json", "model.tokenizer", limit=TOKENIZER_LIMIT_BYTES)
    return hashlib.sha256(raw + b"\0" + _template(folder, files).encode()).hexdigest()


def _no_config(folder: Path, files: set[str]) -> ProblemError:
    if "adapter_config.json" in files:
        return fail(
            "model.is_adapter",
            f"{folder} holds an adapter, not a model.",
            "Choose the folder of the model that the adapter was trained on.",
        )
    if any(f.endswith(".gguf") for f in files):
        return fail(
            "model.is_gguf",
            f"{folder} holds a GGUF file, which is read for chat, not for training.",
            "Choose the model's safetensors version: a folder with config.json.",
        )
    return fail("model.not_found", f"No config.json in {folder}.", "Choose the folder that holds config.json.")


def _no_weights(folder: Path, files: set[str]) -> ProblemError:
    if any(f.endswith((".bin", ".pt", ".pth", ".ckpt")) for f in files):
        return fail(
            "model.pickle_only",
            f"{folder} holds its weights as pickle files, which can run any program when they are opened.",
            "Choose the model's safetensors version; most models are published in both.",
        )
    return fail(
        "model.no_weights",
        f"{folder} holds no model.safetensors and no model.safetensors.index.json.",
        "Fetch the weights, or take the model from the catalogue to plan without them.",
    )
