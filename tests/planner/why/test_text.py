"""Any text can be pasted: nothing is raised, it is quick, and a secret in it is gone before anything is read."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.why.explain import explain
from planner.why.text import HIDDEN, read, without_secrets

SECRETS = (
    ("trl sft --hub_token hf_abcdefGHIJKL123456 --seed 1", "hf_abcdefGHIJKL123456"),
    ("--hub_token=verysecretvalue", "verysecretvalue"),
    ("HF_TOKEN=abcdef123456 python sft.py", "abcdef123456"),
    ('"api_key": "abcdef-123456"', "abcdef-123456"),
    ("export WANDB_API_KEY=0123456789abcdef0123456789abcdef01234567", "0123456789abcdef0123456789abcdef01234567"),
    ("wandb login 0123456789abcdef0123456789abcdef01234567", "0123456789abcdef0123456789abcdef01234567"),
    ("OPENAI_API_KEY sk-proj-abcdefghijklmnop", "sk-proj-abcdefghijklmnop"),
    ("git clone https://me:hunter22@host/x.git", "hunter22"),
    ("Authorization: Bearer abc.def.ghi", "abc.def.ghi"),
    ("--password 'correct horse'", "correct"),
    ("GITHUB_CI_TOKEN=abcdef123456", "abcdef123456"),
    ("'token': 'abcdef123456'", "abcdef123456"),
    ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
    ("cookie eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3", "dozjgNryP4J3"),
    ("AZURE_STORAGE_KEY=abcdefgh1234==", "abcdefgh1234"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA"),
    ("pip install -i pypi-AgEIcHlwaS5vcmcCJDU0", "AgEIcHlwaS5vcmc"),
    ("ghp_abcdefghijklmnop1234 AKIAABCDEFGHIJKLMNOP", "ghp_abcdefghijklmnop1234"),
)
KEPT = (
    "--eos_token '<|im_end|>'",
    "tokens: 4096 per step",
    "--pad_token <pad>",
    "1024 tokens",
    "--max_length 2048",
    "per_token = Chunked.apply(",
    "num_token: 123456",
)


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_gone_and_the_rest_is_not(text: str, secret: str) -> None:
    found = without_secrets(text)
    assert secret not in found
    assert HIDDEN in found
    assert found.split()[0][:6] == text.split()[0][:6] or text.startswith("ghp_")


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


@given(st.text(max_size=300))
def test_any_text_at_all_is_explained_without_an_error(text: str) -> None:
    explain(text)


PIECES = (
    "CUDA out of memory. Tried to allocate ", "2.00 GiB", "9" * 40, ". GPU 0 has a total capacity of ", "(GPU 0; ", "0 bytes free; ",
    "Process 1 has ", " memory in use.", "trl sft ", "--model_name_or_path ", "gpt2 ", "--max_length ", "-1 ", "nan ", "\\\n", "'", '"',
    "python x.py ", "Traceback (most recent call last):\n", '  File "a", line 1, in f\n', "Killed\n", "=", "--", "\x00", "\n", "bytes",
    "--per_device_train_batch_size 0 ", "--lora_r 99999999999 --use_peft ", "--lora_target_modules ", "[", "%s{0}", "Command '['a.py', '--b'", "]'",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_pieces_of_real_texts_in_any_order_are_explained_without_an_error(text: str) -> None:
    explain(text)


HOSTILE = (
    "CUDA out of memory. Tried to allocate ", "1", 'File "', "(pid=1", "process1has", "token=token=", "hf_", "-", " ", "a_", "\x1b[",
    "[rank0]: ", "trl sft --x ", "python a.py \\\n", "'", "Out of memory: Killed process 1 (", "\n", "Command '['a'", "::", "://a:",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_megabytes_of_anything_take_no_longer_than_reading_them(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    before = time.process_time()
    explain(text)
    assert time.process_time() - before < 4  # a quadratic search takes many times as long


def test_what_is_far_too_long_loses_its_middle_and_keeps_command_and_error() -> None:
    text = "first line\n" + "x" * 79 + "\n" + ("y" * 79 + "\n") * 60_000 + "last line"
    lines = read(text).lines
    assert lines[0] == "first line"
    assert lines[-1] == "last line"
    assert len(lines) < 60_000


def test_an_error_at_the_end_of_a_line_of_any_length_is_found() -> None:
    found = explain('{"log": "' + "x" * 90_001 + ' CUDA out of memory. Tried to allocate 2.00 GiB."}')
    assert found.reading is not None
    assert found.reading.asked == 2 * 1024**3
