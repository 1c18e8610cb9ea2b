"""Reading a prompt and writing on, beside a real model that does it: every live storage counted."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from planner.draft import Draft
from planner.facts.data import BatchShape
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families import stacks_of
from planner.facts.model.folder import read_folder
from planner.inference import NEXT_TOKEN, READ_BLOCKS, READ_LOGITS, Writing, inference_lines
from planner.schedule import Schedule
from planner.techniques import attention_sdpa
from tests.live_bytes import LiveBytes
from tests.tiny_model import make_tiny_model

ROWS, PROMPT, ANSWER = 2, 60, 8
WITHIN = 0.02


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    return make_tiny_model(path, n_layers=3, hidden_size=96, intermediate_size=232, vocab_size=1024)


@pytest.fixture
def model(folder: Path) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()


def planned(facts: ModelFacts, prompt: int, **habits: bool) -> dict[str, int]:
    """Bytes beside the weights at each moment."""
    shape = BatchShape(ROWS, prompt, False)
    draft = Draft(facts, Schedule(), shape, "cpu", 0, stacks_of(facts), compute_bits=16, attend=attention_sdpa.attend)
    lines = inference_lines(draft, Writing(new_tokens=ANSWER, cache_bits=16, **habits))
    beside = [x for x in lines if x.what != "Weights"]
    moments = READ_BLOCKS, READ_LOGITS, NEXT_TOKEN
    return {at.moment: sum(x.bytes for x in beside if at in x.alive) for at in moments}


def counted(model: PreTrainedModel, prompt: int, positions: int) -> tuple[int, int]:
    """Bytes at the most, and those of the result with its cache, of one forward pass over a prompt."""
    ids = torch.randint(3, 400, (ROWS, prompt))
    with torch.no_grad():
        model(input_ids=ids, use_cache=True)  # whatever is made once
        with LiveBytes(ids, *model.parameters(), *model.buffers()) as live:
            out = model(input_ids=ids, use_cache=True, logits_to_keep=positions)
            end = live.now
        del out
    return live.most, end


@pytest.mark.parametrize("prompt", [PROMPT, 4 * PROMPT])
def test_reading_a_prompt_takes_what_is_planned(folder: Path, model: PreTrainedModel, prompt: int) -> None:
    most, _ = counted(model, prompt, 1)
    expected = planned(read_folder(folder), prompt)
    assert max(expected["read_blocks"], expected["read_logits"]) == pytest.approx(most, rel=WITHIN)


def test_logits_of_every_position_are_counted(folder: Path, model: PreTrainedModel) -> None:
    most, _ = counted(model, PROMPT, 0)
    expected = planned(read_folder(folder), PROMPT, all_logits=True)
    assert expected["read_logits"] > expected["read_blocks"]
    assert expected["read_logits"] == pytest.approx(most, rel=WITHIN)


def test_the_cache_holds_keys_and_values_of_every_token(folder: Path, model: PreTrainedModel) -> None:
    facts = read_folder(folder)
    _, end = counted(model, PROMPT, 1)
    cache = 2 * facts.n_layers * facts.kv_dim * 2 * ROWS * PROMPT
    assert end == pytest.approx(cache + 2 * facts.vocab_size * ROWS, rel=WITHIN)


def test_a_longer_prompt_an_older_loop_and_more_rows_never_take_less(folder: Path) -> None:
    facts = read_folder(folder)
    usual = planned(facts, PROMPT)
    assert all(usual[k] <= v for k, v in planned(facts, PROMPT + 1).items())
    assert all(usual[k] <= v for k, v in planned(facts, PROMPT, all_logits=True).items())
    assert planned(facts, PROMPT, twice=True)["next_token"] > usual["next_token"]
    assert planned(facts, PROMPT, in_pieces=True)["read_blocks"] < usual["read_blocks"]
