"""The dry run and real steps of the same trainer on the CPU: the same storages at every moment, within a thousandth."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

from backends.counted import count
from backends.dry_run.trainer import trace
from planner.estimate import heaviest_batch
from planner.slots import Slot
from tests.backends.test_counted_truth import MAIN, OTHERS, counted_plan, main_choices, other_model
from tests.small_run import choose
from tests.tiny_model import make_tiny_model

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False:UserWarning"),
]
CASES = {"-".join(names): (main_choices(*names), {}) for names in (*MAIN[:8:2], *MAIN[1:8:4], MAIN[9], MAIN[14])} | {
    name: OTHERS[name]
    for name in (
        "eager",
        "no padding",
        "foreach",
        "for loop over adapters",
        "accumulation, tiles",
        "dropout checkpointing",
        "adapter in bf16",
    )
}


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(
        tmp_path_factory.mktemp("dry") / "small", n_layers=3, hidden_size=96, intermediate_size=232, vocab_size=1031
    )


@pytest.mark.parametrize("name", CASES)
def test_what_is_traced_is_what_is_counted(small_model: Path, name: str) -> None:
    choices, schedule = CASES[name]
    assert_traced_as_counted(small_model, *choices, **{**schedule, "max_steps": 2})


@pytest.mark.parametrize("kind", ["gpt2", "gemma3_text"])
def test_what_is_traced_is_what_is_counted_in_another_family(tmp_path: Path, kind: str) -> None:
    gpt2 = {"n_embd": 96, "n_layer": 3, "n_head": 4, "attn_pdrop": 0.0, "bos_token_id": 1, "eos_token_id": 2}
    absent = ("head_dim", "num_key_value_heads", "hidden_size", "num_hidden_layers", "num_attention_heads")
    more = gpt2 | dict.fromkeys((*absent, "intermediate_size")) if kind == "gpt2" else {}
    model = other_model(tmp_path / "model", model_type=kind, **more)
    assert_traced_as_counted(model, choose(Slot.TRAINABLE, "full"), max_steps=2)


def assert_traced_as_counted(model: Path, *choices: object, **schedule: object) -> None:
    plan, data = counted_plan(model, *choices, **schedule)  # type: ignore[arg-type]
    real = count(plan, data)
    traced = trace(plan, heaviest_batch(plan), data=data)
    assert traced.fullest.keys() == real.fullest.keys()
    assert len(real.fullest) == 12
    for at, instant in real.fullest.items():
        assert traced.fullest[at].bytes == pytest.approx(instant.bytes, rel=0.001), at
        assert traced.fullest[at].where == instant.where
    assert max(x.bytes for x in traced.fullest.values()) <= traced.fullest_of_all().bytes
