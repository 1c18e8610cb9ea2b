"""A person's own runs and proofs become rows; what cannot be compared is counted, damage is told and ends nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.pages.trust import own
from app.pages.trust.own import Looked, look_at, proof_rows, techniques
from app.pages.trust.rows import Origin, published
from app.pages.trust.split import split_of
from app.pages.trust.state import miss_words
from planner.plan import Plan
from planner.run import layout
from planner.run.events import decode
from planner.slots import Slot
from planner.techniques import registry
from planner.units import MIB
from tests.app.trusted import finished_run, proved, write_spec

MakePlan = Callable[..., Plan]
NOTHING = Looked({})


def test_a_finished_run_is_held_against_what_was_said_before_it(tmp_path: Path, make_plan: MakePlan) -> None:
    took = finished_run(tmp_path / "a", make_plan(), share=1.02)
    (found,) = look_at(tmp_path, NOTHING).rows
    assert found.origin is Origin.RUN
    assert found.measured == took
    assert found.miss_pct == pytest.approx(100 * (1 / 1.02 - 1), abs=1e-3)
    assert found.low < found.expected < found.high
    assert found.counter == "process"
    assert found.techniques[0] == "LoRA"
    assert found.card == "A processor"


def test_a_proof_is_held_against_what_formulas_alone_said() -> None:
    (on_a_cpu,) = proof_rows([proved(), proved(kind="run")])
    assert on_a_cpu.origin is Origin.PROOF
    assert on_a_cpu.miss_bytes == -10 * MIB
    assert (on_a_cpu.model, on_a_cpu.techniques, on_a_cpu.card) == ("a model", ("LoRA",), "A processor")
    assert split_of(on_a_cpu).why_not
    assert miss_words(on_a_cpu) == "Said 0.7 % less than it took (−10 MiB)."


def test_a_proof_on_a_card_parts_its_miss() -> None:
    seen = proved(device="cuda A card", allocated_bytes=905 * MIB, reserved_bytes=945 * MIB)
    (on_a_card,) = proof_rows([seen])
    misses = {x.name: x.miss_bytes // MIB for x in split_of(on_a_card).parts}
    assert misses == {"tensors": -5, "allocator": 10, "context": -15}
    assert proof_rows([replace(seen, process_bytes=0, reserved_bytes=0, allocated_bytes=0)]) == ()
    (reserved_only,) = proof_rows([replace(seen, source="reserved", process_bytes=0)])
    assert (reserved_only.counter, reserved_only.miss_bytes) == ("reserved", 5 * MIB)


def test_runs_that_did_not_see_every_batch_are_counted_and_not_compared(tmp_path: Path, make_plan: MakePlan) -> None:
    finished_run(tmp_path / "going", make_plan(), outcome="")
    finished_run(tmp_path / "stopped", make_plan(), outcome="stopped")
    finished_run(tmp_path / "done", make_plan())
    write_spec(tmp_path / "traced", make_plan(), "dry_run")
    (tmp_path / "no run").mkdir()
    found = look_at(tmp_path, NOTHING)
    assert [r.name for r in found.rows] == ["done"]
    assert found.left_out_words() == "2 runs are left out: not finished."
    assert not found.problems


def test_a_damaged_journal_is_told_and_what_is_whole_is_compared(tmp_path: Path, make_plan: MakePlan) -> None:
    finished_run(tmp_path / "hurt", make_plan())
    lines = (tmp_path / "hurt" / layout.EVENTS).read_bytes().split(b"\n")
    lines[1] = lines[1][:20]
    (tmp_path / "hurt" / layout.EVENTS).write_bytes(b"\n".join(lines))
    found = look_at(tmp_path, NOTHING)
    assert len(found.rows) == 1
    assert "'hurt' has 1 damaged line" in found.problems[0].fact


def test_of_a_long_journal_only_what_tells_is_decoded(
    tmp_path: Path, make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    took = finished_run(tmp_path / "long", make_plan())
    journal = tmp_path / "long" / layout.EVENTS
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], *[lines[1]] * 2000, *lines[2:]]))
    decoded: list[str] = []
    monkeypatch.setattr(own, "decode", lambda line: decoded.append(line) or decode(line))
    (found,) = look_at(tmp_path, NOTHING).rows
    assert found.measured == took
    assert len(decoded) <= own.LATEST_LINES + 2


def test_a_run_without_a_readable_order_is_told(tmp_path: Path, make_plan: MakePlan) -> None:
    finished_run(tmp_path / "hurt", make_plan())
    finished_run(tmp_path / "well", make_plan())
    (tmp_path / "hurt" / layout.SPEC).write_text("{ half")
    found = look_at(tmp_path, NOTHING)
    assert [r.name for r in found.rows] == ["well"]
    assert "'hurt' cannot be compared" in found.problems[0].fact


def test_only_what_is_new_is_read_again(tmp_path: Path, make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan()
    for n in range(3):
        finished_run(tmp_path / f"run {n}", plan)
    first = look_at(tmp_path, NOTHING)
    opened: list[str] = []
    whole = own._look
    monkeypatch.setattr(own, "_look", lambda folder, stamp: opened.append(folder.name) or whole(folder, stamp))
    assert look_at(tmp_path, first).rows == first.rows
    assert opened == []
    finished_run(tmp_path / "run 9", plan)
    assert len(look_at(tmp_path, first).rows) == 4
    assert opened == ["run 9"]


def test_many_runs_are_told_of_by_and_by(tmp_path: Path, make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan()
    for n in range(5):
        finished_run(tmp_path / f"run {n}", plan)
    monkeypatch.setattr(own, "TOLD_AT_ONCE", 2)
    told: list[int] = []
    assert len(look_at(tmp_path, NOTHING, lambda so_far: told.append(len(so_far.rows))).rows) == 5
    assert told == [2, 4]


def test_no_folder_of_runs_is_no_runs(tmp_path: Path) -> None:
    assert look_at(tmp_path / "absent", NOTHING).rows == ()


def test_an_own_run_is_named_as_published_ones_are(make_plan: MakePlan) -> None:
    published_words = {word for row in published() for word in row.techniques}
    plan = make_plan()
    checkpointed = plan.with_choice(registry.default_choice(Slot.ACTIVATION, "checkpointing"))
    whole = plan.with_choice(registry.default_choice(Slot.TRAINABLE, "full"))
    assert techniques(plan) == ("LoRA", "bfloat16")
    assert techniques(checkpointed) == ("LoRA", "bfloat16", "gradient checkpointing")
    packed = plan.with_choice(registry.default_choice(Slot.WEIGHTS, "nf4"))
    assert {*techniques(checkpointed), *techniques(whole), *techniques(packed)} <= published_words
