"""A plan's model, tokenizer and rows for a dry run: by shapes alone, with nothing read but a config.json.

The model is the real class with the plan's adapters on it, without contents; the rows are the batch that needs most,
again and again, as token ids that mean nothing. Works without weights, and for models of the catalogue without a folder.
"""

from __future__ import annotations

from typing import Any

import transformers
from tokenizers import Tokenizer, models
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from backends.dry_run.empty import built_empty
from backends.failure import first_line
from backends.trainers.twins import Twins, load_arguments, wrapped
from planner.facts.data import BatchShape
from planner.facts.model import catalogue
from planner.facts.model.facts import ModelFacts
from planner.plan import Plan
from planner.problem import ProblemError, fail

FIRST_ID, SPREAD = 3, 200
SHAPES = (
    "architecture",
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "n_layers",
    "n_heads",
    "n_kv_heads",
    "head_dim",
)


def empty_model(plan: Plan, twins: Twins) -> Any:
    """The class of the plan's model with everything that its techniques hang on it; every tensor on the meta device.

    Raises ProblemError `model.no_shapes`, `model.not_buildable`, `model.packed`.
    """
    load = load_arguments(twins)
    try:
        config = configuration(plan.model)
        if packed := getattr(config, "quantization_config", None):
            raise fail(
                "model.packed",
                f"The weights of {plan.model.name} are stored packed ({_method(packed)}), which cannot be built empty.",
                "Choose the model as it was before it was packed.",
            )
        with built_empty():
            model = AutoModelForCausalLM.from_config(config, **load)  # type: ignore[no-untyped-call]
            return wrapped(model, twins)
    except ProblemError:
        raise
    except Exception as error:  # a class may raise anything over a stranger's configuration
        raise fail(
            "model.not_buildable",
            f"{plan.model.architecture} cannot be built from its configuration: {first_line(error)}",
            "Choose another model.",
        ) from error


def configuration(model: ModelFacts) -> Any:
    """Of transformers' own class: from the model's folder, else from the catalogue. Raises `model.no_shapes`."""
    if model.path:
        return AutoConfig.from_pretrained(model.path, local_files_only=True, trust_remote_code=False)
    found = catalogue.configuration(model.name) or _of_same_shape(model)
    if not found:
        raise fail(
            "model.no_shapes",
            f"The configuration of {model.name} is neither on this computer nor in the catalogue.",
            "Choose a folder with config.json.",
        )
    kind = getattr(transformers, found["architectures"][0]).config_class
    below = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}  # some classes' own lie beyond a small vocabulary
    return kind(**{**below, **found})


def _of_same_shape(model: ModelFacts) -> dict[str, Any]:
    for name in catalogue.names():
        other = catalogue.find(name)
        if all(getattr(other, x) == getattr(model, x) for x in SHAPES):
            return catalogue.configuration(name)
    return {}


def _method(packed: Any) -> str:
    said = packed.get("quant_method") if isinstance(packed, dict) else getattr(packed, "quant_method", None)
    return str(said or "in a way it does not name")


def small_tokenizer() -> Any:
    """A tokenizer with an end mark and nothing to say: rows are token ids already."""
    pad, begin, end = "<pad>", "<begin>", "<end>"
    made = Tokenizer(models.WordLevel({pad: 0, begin: 1, end: 2}, unk_token=pad))
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made, pad_token=pad, bos_token=begin, eos_token=end
    )


def heaviest_rows(plan: Plan, batch: BatchShape, batches: int) -> list[dict[str, Any]]:
    """Rows for so many micro-batches, in an order that makes every batch the heaviest.

    Where a batch is padded, all its rows but the first are one token shorter: as much as can be that still needs a mask.
    """
    rows = []
    for i in range(int(batch.rows) * batches):
        length = int(batch.seq) - (1 if batch.padded and i % int(batch.rows) else 0)
        row: dict[str, Any] = {"input_ids": [FIRST_ID + n % SPREAD for n in range(max(length, 2))]}
        if plan.stage.schedule.completion_only:
            row["completion_mask"] = [0] + [1] * (len(row["input_ids"]) - 1)
        rows.append(row)
    return rows
