"""A command line is taken apart as shells and argparse do, wherever it stands in a text."""

from __future__ import annotations

import pytest

from planner.why.command import Command, read_command
from planner.why.text import read

# the first is from the docstring of TRL's scripts/sft.py, the third from github.com/hiyouga/LlamaFactory/issues/3015
TRL_DOCS = """$ python trl/scripts/sft.py \\
    --model_name_or_path Qwen/Qwen2-0.5B \\
    --dataset_name trl-lib/Capybara \\
    --learning_rate 2.0e-4 \\
    --packing \\
    --per_device_train_batch_size 2 \\
    --gradient_accumulation_steps 8 \\
    --eos_token '<|im_end|>' \\
    --eval_strategy steps \\
    --use_peft \\
    --lora_r 32
"""
LLAMA_FACTORY = """deepspeed --num_gpus 4 src/train_bash.py \\
    --deepspeed ds_config.json   \\
    --stage sft   \\
    --model_name_or_path ../chatGLM3-32k   \\
    --finetuning_type lora   \\
    --cutoff_len 16384     \\
    --fp16
"""


def command(text: str) -> Command:
    found = read_command(read(text))
    assert found is not None
    return found


def test_joined_lines_are_one_command() -> None:
    found = command(f"We ran\n{TRL_DOCS}\nand then it said:\n  --not_a_part of it")
    assert found.program == "sft.py"
    assert found.values("packing") == ()
    assert found.values("per_device_train_batch_size") == ("2",)
    assert found.values("eos_token") == ("<|im_end|>",)
    assert found.values("lora_r") == ("32",)
    assert found.values("not_a_part") is None


@pytest.mark.parametrize("end", [" \\", "\\", " ^", " `", ""])
def test_lines_may_be_joined_as_any_shell_does_or_not_at_all(end: str) -> None:
    found = command(f"trl sft{end}\n  --max_length=512{end}\n  --seed 3\n\nTraceback")
    assert found.program == "trl sft"
    assert found.flags == (("max_length", ("512",)), ("seed", ("3",)))


def test_what_belongs_to_the_launcher_is_kept_apart() -> None:
    found = command(LLAMA_FACTORY)
    assert (found.launcher, found.program) == ("deepspeed", "train_bash.py")
    assert found.of_launcher == (("num_gpus", ("4",)),)
    assert found.values("deepspeed") == ("ds_config.json",)
    found = command(
        "!accelerate launch --config_file=ds.yaml --multi_gpu --num_processes 4 a/sft.py --max_length -1 --lr=1e-4"
    )
    assert (found.launcher, found.program) == ("accelerate launch", "sft.py")
    assert dict(found.of_launcher) == {"config_file": ("ds.yaml",), "multi_gpu": (), "num_processes": ("4",)}
    assert found.flags == (("max_length", ("-1",)), ("lr", ("1e-4",)))


def test_values_in_quotes_and_several_of_them() -> None:
    found = command(
        "python x.py --lora_target_modules q_proj v_proj --name 'two words' --kwargs '{\"a\": 1}' && echo done"
    )
    assert found.values("lora_target_modules") == ("q_proj", "v_proj")
    assert found.values("name") == ("two words",)
    assert found.values("kwargs") == ('{"a": 1}',)


def test_a_command_as_accelerate_reports_it() -> None:
    text = "subprocess.CalledProcessError: Command '['/usr/bin/python3.11', 'sft.py', '--model_name_or_path', 'gpt2']' returned non-zero exit status 1."
    assert command(text).flags == (("model_name_or_path", ("gpt2",)),)


def test_dashes_and_the_last_of_a_flag_given_twice() -> None:
    assert command("trl sft --max-length 128 --max_length 256").values("max_length") == ("256",)


def test_of_several_commands_the_one_that_says_most_is_read() -> None:
    assert command(f"pip install trl\npython setup.py --version\n{TRL_DOCS}\nnvidia-smi").program == "sft.py"


@pytest.mark.parametrize(
    "text", ["", "I use trl sft and it fails", "python train.py", 'File "python sft.py"', "--alone 3"]
)
def test_prose_is_no_command(text: str) -> None:
    assert read_command(read(text)) is None


def test_an_open_quotation_mark_is_no_error() -> None:
    assert command("trl sft --name 'open --seed 1").values("seed") == ("1",)
