"""A forward pass with a loss and no way back, and MeZO's update, beside a real model that does both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from planner.draft import Draft, Loop
from planner.facts.data import BatchShape
from planner.facts.model.families import stacks_of
from planner.facts.model.folder import read_folder
from planner.ledger import DEVICE, Kind
from planner.schedule import Schedule
from planner.techniques import attention_sdpa
from planner.timeline import stretches
from planner.training.losses import WholeLogits
from planner.training.zeroth_order import zeroth_order_lines
from tests.live_bytes import LiveBytes
from tests.tiny_model import make_tiny_model

ROWS, SEQ = 2, 96
WITHIN = 0.02


def drafted(folder: Path, keeps_cache: bool = False) -> Draft:
    facts = read_folder(folder)
    stacks = tuple(
        replace(s, tensors=tuple(replace(x, trained=x.role != "buffer") for x in s.tensors)) for s in stacks_of(facts)
    )
    batch, loop = BatchShape(ROWS, SEQ, False), Loop(keeps_cache=keeps_cache)
    return Draft(facts, Schedule(), batch, "cpu", 0, stacks, 16, attention_sdpa.attend, loop=loop)


def needs(draft: Draft) -> dict[str, int]:
    """Bytes beside weights and batch at each moment of a step."""
    lines = [x for x in zeroth_order_lines(draft, WholeLogits()) if x.what not in ("Weights", "Batch")]
    moments = [at for at in stretches(0).timeline if at.phase == "step 1"]
    return {at.moment: sum(int(x.bytes) for x in lines if at in x.alive) for at in moments}


def made(path: Path, **sizes: int) -> tuple[Path, PreTrainedModel]:
    folder = make_tiny_model(path, n_layers=3, **sizes)
    return folder, AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()


def counted(model: PreTrainedModel, use_cache: bool) -> int:
    ids = torch.randint(3, 60, (ROWS, SEQ))
    with torch.no_grad():
        model(input_ids=ids, labels=ids, use_cache=use_cache)  # whatever is made once
        with LiveBytes(ids, *model.parameters(), *model.buffers()) as live:
            model(input_ids=ids, labels=ids, use_cache=use_cache)
    return live.most


@pytest.mark.parametrize("use_cache", [False, True])
@pytest.mark.parametrize(("vocab_size", "fullest"), [(2048, "loss"), (416, "forward_end")])
def test_a_pass_without_a_way_back_takes_what_is_planned(
    tmp_path: Path, vocab_size: int, fullest: str, use_cache: bool
) -> None:
    folder, model = made(tmp_path, hidden_size=96, intermediate_size=1600, vocab_size=vocab_size)
    expected = needs(drafted(folder, use_cache))
    assert max(expected, key=lambda x: expected[x] if x != "update" else 0) == fullest
    assert expected[fullest] == pytest.approx(counted(model, use_cache), rel=WITHIN)


def test_moving_a_weight_along_a_random_direction_takes_four_of_its_size() -> None:
    weight, gradient, lr, decay = torch.zeros(256, 64, dtype=torch.bfloat16), 0.3, 1e-6, 0.0
    with LiveBytes(weight) as live:  # algorithm 1 of arXiv 2305.17333, line 11, as its authors' trainer does it
        z = torch.normal(mean=0, std=1, size=weight.size(), dtype=weight.dtype)
        weight = weight - lr * (gradient * z + decay * weight)
    draft_of_one = 4 * 256 * 64 * 2
    assert live.most == draft_of_one


def test_a_step_without_gradients_has_neither_gradients_nor_states_nor_anything_kept(tmp_path: Path) -> None:
    folder, _ = made(tmp_path, hidden_size=96, intermediate_size=232, vocab_size=512)
    draft = drafted(folder)
    lines = zeroth_order_lines(draft, WholeLogits())
    assert not [x for x in lines if x.kind in (Kind.GRADIENTS, Kind.STATES) or x.place is not DEVICE]
    assert needs(draft)["layer_last"] == 0
    assert needs(draft)["update"] == 4 * 512 * 96 * 2  # the embedding
