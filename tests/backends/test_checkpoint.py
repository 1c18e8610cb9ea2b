"""Checkpoints: no pickle, all or nothing, and every state back to the last bit."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.problem import ProblemError
from planner.run import layout

torch = pytest.importorskip("torch", reason="needs the [train] extra")

from backends import checkpoint, states  # noqa: E402
from tests.faults import fault  # noqa: E402


def trained(kind: Any, **keywords: Any) -> tuple[Any, Any, Any]:
    """A small model after some steps of an optimizer under a schedule."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Linear(7, 3)).to(torch.bfloat16)
    optimizer = kind(model.parameters(), lr=1e-2, **keywords)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 30)
    for _ in range(4):
        one_step(model, optimizer, scheduler)
    return model, optimizer, scheduler


def one_step(model: Any, optimizer: Any, scheduler: Any) -> None:
    optimizer.zero_grad()
    model(torch.randn(6, 5, dtype=torch.bfloat16)).square().sum().backward()
    optimizer.step()
    scheduler.step()


@pytest.mark.parametrize(
    ("kind", "keywords"),
    [
        ("AdamW", {"fused": True}),
        ("AdamW", {"foreach": True, "amsgrad": True}),
        ("AdamW", {}),
        ("SGD", {"momentum": 0.9}),
        ("Adagrad", {}),
    ],
)
def test_training_goes_on_bit_by_bit_from_a_saved_state(kind: str, keywords: dict[str, Any], tmp_path: Path) -> None:
    model, optimizer, scheduler = trained(getattr(torch.optim, kind), **keywords)
    weights = {k: v.clone() for k, v in model.state_dict().items()}
    states.save_optimizer(optimizer, tmp_path)
    states.save_scheduler(scheduler, tmp_path)
    states.save_rng(tmp_path)
    one_step(model, optimizer, scheduler)
    expected = {k: v.clone() for k, v in model.state_dict().items()}

    other, other_optimizer, other_scheduler = trained(getattr(torch.optim, kind), **keywords)
    one_step(other, other_optimizer, other_scheduler)
    other.load_state_dict(weights)
    states.load_optimizer(other_optimizer, tmp_path)
    states.load_scheduler(other_scheduler, tmp_path)
    states.load_rng(tmp_path)
    one_step(other, other_optimizer, other_scheduler)
    for name, tensor in other.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert other_scheduler.get_last_lr() == scheduler.get_last_lr()


def test_every_generator_draws_again_what_it_drew(tmp_path: Path) -> None:
    random.gauss(0, 1)
    np.random.standard_normal()
    states.save_rng(tmp_path)

    def draw() -> tuple[Any, ...]:
        return random.random(), random.gauss(0, 1), np.random.standard_normal(3).tolist(), torch.rand(5).tolist()

    first = draw()
    assert draw() != first
    states.load_rng(tmp_path)
    assert draw() == first


def fill(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(b"w" * 1000)


def test_an_attempt_that_fails_leaves_the_checkpoints_before_it_and_nothing_else(tmp_path: Path) -> None:
    checkpoint.write(tmp_path, 5, fill, {"tokens": 1})

    def fill_badly(folder: Path) -> None:
        fill(folder)
        raise RuntimeError("half of it is written")

    with pytest.raises(RuntimeError):
        checkpoint.write(tmp_path, 10, fill_badly, {})
    with pytest.raises(RuntimeError):
        checkpoint.write(tmp_path, 5, fill_badly, {})
    assert [p.name for p in (tmp_path / layout.CHECKPOINTS).iterdir()] == ["step-5"]
    assert checkpoint.latest(tmp_path) == tmp_path / layout.CHECKPOINTS / "step-5"


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    assert checkpoint.latest(tmp_path) is None
    for step in (5, 10, 15, 100):
        folder, size = checkpoint.write(tmp_path, step, fill, {"tokens": step * 7})
        assert size == 1000
        assert checkpoint.manifest(folder)["tokens"] == step * 7
    assert [p.name for p in checkpoint.complete(tmp_path)] == ["step-15", "step-100"]


@fault(
    "A checkpoint is damaged",
    injected="Its files are cut, emptied or removed",
    seen="The run goes on from the checkpoint before it",
    lost="The steps between the two",
)
@pytest.mark.parametrize("damage", ["cut", "gone", "no manifest", "manifest is junk", "manifest is a list"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, damage: str) -> None:
    for step in (5, 10):
        checkpoint.write(tmp_path, step, fill, {})
    last = tmp_path / layout.CHECKPOINTS / "step-10"
    match damage:
        case "cut":
            (last / "weights.safetensors").write_bytes(b"w" * 999)
        case "gone":
            (last / "weights.safetensors").unlink()
        case "no manifest":
            (last / checkpoint.MANIFEST).unlink()
        case "manifest is junk":
            (last / checkpoint.MANIFEST).write_text("{")
        case _:
            (last / checkpoint.MANIFEST).write_text("[]")
    found = checkpoint.latest(tmp_path)
    assert found is not None
    assert found.name == "step-5"


def test_a_state_that_json_cannot_hold_is_a_problem_not_a_pickle(tmp_path: Path) -> None:
    model, optimizer, _ = trained(torch.optim.SGD)
    optimizer.state[next(model.parameters())]["odd"] = object()
    with pytest.raises(ProblemError) as caught:
        states.save_optimizer(optimizer, tmp_path)
    assert caught.value.problem.code == "checkpoint.unsupported_state"


def test_a_checkpoints_damaged_part_is_named(tmp_path: Path) -> None:
    (tmp_path / states.RNG).write_text(json.dumps({})[:1])
    with pytest.raises(ProblemError) as caught:
        states.load_rng(tmp_path)
    assert caught.value.problem.code == "checkpoint.damaged"
    assert states.RNG in caught.value.problem.fact


@fault(
    "Killed between the two renames of a checkpoint",
    injected="The folders are left as such a kill leaves them",
    seen="Nothing: it is put back",
    lost="Nothing",
)
def test_what_a_kill_between_the_two_renames_left_is_put_back(tmp_path: Path) -> None:
    target, old = tmp_path / "result", tmp_path / ".result.old"
    checkpoint.write_whole(target, fill)
    target.rename(old)

    def fill_badly(folder: Path) -> None:
        raise RuntimeError("and now this")

    with pytest.raises(RuntimeError):
        checkpoint.write_whole(target, fill_badly)
    assert [p.name for p in tmp_path.iterdir()] == ["result"]


@fault(
    "A checkpoint holds a pickle file",
    injected="A .pt file is put into it",
    seen="It is passed over and never opened",
    lost="The steps since the checkpoint before it",
)
def test_a_checkpoint_with_a_file_that_could_be_pickle_is_passed_over(tmp_path: Path) -> None:
    folder, _ = checkpoint.write(tmp_path, 5, fill, {})
    assert checkpoint.latest(tmp_path) == folder
    (folder / "adapter_model.bin").write_bytes(b"")
    assert checkpoint.latest(tmp_path) is None
