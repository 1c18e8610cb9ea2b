"""A download from a real server that speaks the Hub's HTTP: what is taken, what goes on where it stopped, what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.facts.model.hub_cache import cached
from planner.models_here import read_model
from planner.run import inbox
from planner.run.environment import of_job
from planner.run.events import Event, Failed, Finished, Phase
from planner.run.jobs import DownloadSpec, write_job
from planner.run.journal import last_word
from planner.run.results import load
from planner.run.start import start
from planner.run.transfer import OFFER, Moved, Offer, is_name, moved, wanted
from tests.hub_server import Hub, hub_of
from tests.small_run import kill, wait_for_end, wait_until
from tests.tiny_model import make_tiny_model

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("huggingface_hub", reason="needs the [train] extra")
NAME = "org/tiny"
TOKEN = "hf_right"  # no secret: the test's own server knows it


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with more than a model: pickles, code, another layout of the weights, a picture."""
    folder = make_tiny_model(tmp_path_factory.mktemp("page") / "tiny", hidden_size=128, vocab_size=2048, n_heads=4)
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "modeling_tiny.py").write_text("raise SystemExit")
    (folder / "consolidated.safetensors").write_bytes(b"the same in another layout")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "config.json").write_text("{}")
    return folder


@pytest.fixture
def hub(published: Path, tmp_path: Path) -> Iterator[Hub]:
    with hub_of({NAME: published}, tmp_path / "hf") as found:
        yield found


def begin(folder: Path, *, name: str = NAME, look: bool = False, revision: str = "") -> Path:
    write_job(folder, DownloadSpec(name, look, revision))
    start(folder)
    return folder


def word_of(folder: Path, **wishes: object) -> Finished | Failed:
    begin(folder, **wishes)  # type: ignore[arg-type]
    word = last_word(wait_for_end(folder))
    assert word is not None, (folder / "worker.log").read_text()
    return word


def code_of(folder: Path, **wishes: object) -> str:
    word = word_of(folder, **wishes)
    assert isinstance(word, Failed), word
    return word.problem.code


def test_size_and_files_are_told_before_a_byte_of_them_is_fetched(hub: Hub, tmp_path: Path) -> None:
    word = word_of(tmp_path / "look", look=True)
    assert isinstance(word, Finished)
    offer = load(Offer, tmp_path / "look" / OFFER)
    assert {f.name for f in offer.files} == {
        *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"),
        *("model.safetensors", "chat_template.jinja"),
    }
    folder = hub.models[NAME]
    assert {f.name: f.bytes for f in offer.files} == {f.name: (folder / f.name).stat().st_size for f in offer.files}
    assert offer.left_bytes == offer.bytes
    assert offer.free_bytes == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)
    assert hub.fetched() == []
    assert not (tmp_path / "hf").exists()


def test_a_model_arrives_where_every_program_finds_it(hub: Hub, tmp_path: Path) -> None:
    word = word_of(tmp_path / "get")
    assert isinstance(word, Finished)
    (found,) = cached()
    assert (found.name, found.state, found.path) == (NAME, "whole", Path(word.adapter))
    assert read_model(found.path).params > 0
    told = [t for e in wait_for_end(tmp_path / "get") if isinstance(e, Phase) and (t := moved(e.detail))]
    assert told[-1].done == told[-1].of == found.bytes
    names = {file for file, _ in hub.fetched()}
    assert not names & {"pytorch_model.bin", "modeling_tiny.py", "consolidated.safetensors"}
    code = f"from transformers import AutoConfig; print(AutoConfig.from_pretrained({NAME!r}).hidden_size)"
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=offline, check=True)
    assert out.stdout.strip() == "128"
    hub.asked.clear()
    again = load(Offer, _looked(tmp_path))
    assert again.left_bytes == 0
    assert isinstance(word_of(tmp_path / "again", revision=again.revision), Finished)
    assert hub.fetched() == []


def _looked(folder: Path) -> Path:
    word_of(folder / "looked", look=True)
    return folder / "looked" / OFFER


def test_a_line_cut_in_the_middle_is_taken_up_where_it_broke(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after = [200_000]
    assert isinstance(word_of(tmp_path / "get"), Finished)
    ranges = [r for file, r in hub.fetched() if file == "model.safetensors"]
    assert ranges[0] == ""
    begin_at = int(ranges[1].removeprefix("bytes=").rstrip("-"))
    assert 0 < begin_at <= 200_000
    assert [m.state for m in cached()] == ["whole"]


def test_a_download_that_was_killed_is_listed_as_unfinished_and_goes_on(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after, hub.hold = [400_000], threading.Event()
    folder = begin(tmp_path / "get")
    blobs = tmp_path / "hf" / "hub" / "models--org--tiny" / "blobs"

    def some_came(_events: tuple[Event, ...]) -> bool:
        return any(p.stat().st_size > 300_000 for p in blobs.glob("*.incomplete"))

    wait_until(folder, some_came)
    kill(folder)
    hub.hold.set()
    (found,) = cached()
    assert found.state == "partial"
    assert "not finished" in found.says
    (kept,) = blobs.glob("*.incomplete")
    hub.asked.clear()
    offer = load(Offer, _looked(tmp_path))
    assert kept.stat().st_size <= offer.bytes - offer.left_bytes
    before = kept.stat().st_size
    assert isinstance(word_of(tmp_path / "more", revision=offer.revision), Finished)
    assert (("model.safetensors", f"bytes={before}-")) in hub.fetched()
    assert [m.state for m in cached()] == ["whole"]
    assert not list(blobs.glob("*.incomplete"))


def test_a_download_obeys_a_stop_and_keeps_what_came(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "get"
    write_job(folder, DownloadSpec(NAME, look=False))
    hub.cut_after, hub.hold = [400_000, 200_000], threading.Event()
    start(folder)
    blobs = tmp_path / "hf" / "hub" / "models--org--tiny" / "blobs"
    wait_until(folder, lambda _e: any(p.stat().st_size > 300_000 for p in blobs.glob("*.incomplete")))
    inbox.send(folder, "stop")
    hub.hold.set()  # the line breaks, the library asks for the rest, and the next bytes meet the wish
    word = last_word(wait_for_end(folder))
    assert isinstance(word, Finished)
    assert word.outcome == "stopped"
    assert any(p.stat().st_size > 300_000 for p in blobs.glob("*.incomplete"))


def test_a_gated_model_says_where_to_agree_and_a_login_is_used_and_never_written_down(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.gated.add(NAME)
    word = word_of(tmp_path / "refused", look=True)
    assert isinstance(word, Failed)
    assert word.problem.code == "download.gated"
    assert f"{hub.address}/{NAME}" in word.problem.advice
    assert "hf auth login" in word.problem.advice
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert isinstance(word_of(tmp_path / "given"), Finished)
    assert f"Bearer {TOKEN}" in hub.logins
    written = [p for p in tmp_path.rglob("*") if p.is_file() and TOKEN.encode() in p.read_bytes()]
    assert written == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("org/none", "download.not_found"),
        ("../etc/passwd", "download.not_a_name"),
        ("org/tiny/more", "download.not_a_name"),
    ],
)
def test_what_is_not_there_is_a_problem(hub: Hub, name: str, code: str, tmp_path: Path) -> None:
    assert code_of(tmp_path / "get", name=name) == code
    assert hub.fetched() == []


def test_no_server_and_a_wish_to_stay_offline_are_told_apart(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert code_of(tmp_path / "wished") == "download.offline_wished"
    assert hub.asked == []
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert code_of(tmp_path / "dead") == "download.no_connection"


def test_a_disk_too_small_is_told_before_the_first_byte(hub: Hub, tmp_path: Path) -> None:
    hub.claims["model.safetensors"] = 2 * shutil.disk_usage(tmp_path).total
    assert code_of(tmp_path / "get") == "download.disk_full"
    assert hub.fetched() == []


def test_bytes_that_are_not_what_was_promised_are_thrown_away(hub: Hub, tmp_path: Path) -> None:
    hub.spoiled.add("model.safetensors")
    assert code_of(tmp_path / "get") == "download.damaged"
    assert not list((tmp_path / "hf").rglob("*.incomplete"))
    hub.spoiled.clear()
    assert isinstance(word_of(tmp_path / "again"), Finished)


def test_a_page_without_safetensors_says_what_it_has(hub: Hub, tmp_path: Path) -> None:
    for ending, said in (("bin", "pickle"), ("gguf", "GGUF")):
        page = tmp_path / ending
        page.mkdir()
        (page / "config.json").write_text("{}")
        (page / f"model.{ending}").write_bytes(b"x")
        hub.models[f"org/{ending}"] = page
        word = word_of(tmp_path / f"get-{ending}", name=f"org/{ending}")
        assert isinstance(word, Failed)
        assert word.problem.code == "download.no_safetensors"
        assert said in word.problem.fact


def test_every_other_job_stays_offline() -> None:
    for job in ("train", "scan", "convert", "prove", "dry_run", None, ["download"]):
        assert of_job(job)["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in of_job("download")


def test_names_and_files_are_chosen_by_rule() -> None:
    assert all(map(is_name, ("gpt2", "org/model", "a/b.c-d_e")))
    assert not any(map(is_name, ("", "a/b/c", "/a", "a/", "..", "a/..b", "a b", "http://x/y", "a/--b", "-a/b")))
    shards = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    assert wanted([*shards, "model.safetensors.index.json", "extra.safetensors", "run.py", "x/config.json"]) == (
        *shards,
        "model.safetensors.index.json",
    )
    assert wanted(["adapter_config.json", "adapter_model.safetensors", "other.safetensors"]) == (
        "adapter_config.json",
        "adapter_model.safetensors",
    )
    told = Moved(1_234, 5_678, 90, "a, 1 of 2 bytes: b")
    assert moved(told.detail) == told
    assert moved("loading") is None
