"""`plimsoll calibration` lists what was learned with its evidence, takes it away and brings it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from planner.calibration import store
from planner.calibration.observation import predicting_version
from planner.units import MIB
from tests.app.trusted import proved


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def two_proofs() -> None:
    known = store.Known()
    for name, more in (("prove-1", 10), ("prove-2", 30)):
        took = 1360 * MIB + more * MIB
        known = known.with_one(proved(name=name, process_bytes=took, predicted_by=predicting_version()))
    store.change(lambda _nothing: known)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["calibration", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_computer_that_has_learned_nothing_says_what_would_teach_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibration"]) == 0
    assert "Nothing yet" in capsys.readouterr().out
    assert said(capsys) == {"corrections": [], "observations": [], "forgotten": []}


@pytest.mark.usefixtures("two_proofs")
def test_corrections_come_with_their_runs_and_spread(capsys: pytest.CaptureFixture[str]) -> None:
    context, kept, proof = said(capsys)["corrections"]
    assert (context["term"], context["runs"]) == ("context", ["prove-1", "prove-2"])
    for beyond_mib, end in ((20, "low"), (40, "high")):  # what was left open is parted between the two
        assert context[end] + kept[end] * 900 * MIB // 10_000 == pytest.approx(beyond_mib * MIB, abs=MIB // 4)
    assert proof["amount"] == 1390 * MIB
    assert main(["calibration"]) == 0
    words = capsys.readouterr().out
    assert "context +15 MiB (+15 MiB to +30 MiB)" in words
    assert "allocator +0.56 % (+0.56 % to +1.12 %)" in words
    assert "took 1.36 GiB" in words


@pytest.mark.usefixtures("two_proofs")
def test_what_is_forgotten_is_gone_until_it_is_restored(capsys: pytest.CaptureFixture[str]) -> None:
    name = said(capsys)["corrections"][0]["name"]
    after = said(capsys, "--forget", name)
    assert [c["term"] for c in after["corrections"]] == ["allocator", "proof"]
    assert after["forgotten"] == [name]
    assert len(said(capsys, "--restore", name)["corrections"]) == 3
    after = said(capsys, "--forget", "prove-1")
    assert all(c["runs"] == ["prove-2"] for c in after["corrections"])


def test_an_unknown_name_and_a_damaged_file_are_problems(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wish in ("--forget", "--restore"):
        assert main(["calibration", wish, "nobody"]) == 2
        assert "calibration.unknown" in capsys.readouterr().err
    (own_home / "calibration.json").write_text("[]", encoding="utf-8")
    assert main(["calibration"]) == 1
    assert "calibration.damaged" in capsys.readouterr().err
