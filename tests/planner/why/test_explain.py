"""The whole answer: what happened, the ledger of that run, where they disagree, and the smallest change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.estimate import Verdict, estimate
from planner.facts.gpus import other_machine
from planner.facts.machine import Device, MachineFacts
from planner.plan import Plan
from planner.presets import load_preset
from planner.slots import Slot
from planner.units import GIB, MIB
from planner.why.explain import explain

LLAMA = "trl sft --model_name_or_path meta-llama/Llama-3.1-8B --use_peft --dtype bfloat16 --per_device_train_batch_size 4 --max_length 2048"
LOSS = """Traceback (most recent call last):
  File "/v/site-packages/transformers/trainer.py", line 3700, in training_step
    loss = self.compute_loss(model, inputs)
  File "/v/site-packages/transformers/loss/loss_utils.py", line 36, in ForCausalLMLoss
    logits = logits.float()
"""


def oom(
    asked: str = "3.91 GiB",
    *,
    free: str = "810.00 MiB",
    held: str = "17.87",
    other: str = " Process 438 has 4.97 GiB memory in use.",
) -> str:
    return (
        f"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {asked}. GPU 0 has a total capacity of 23.64 GiB of which "
        f"{free} is free.{other} Including non-PyTorch memory, this process has {held} GiB memory in use. Of the allocated "
        "memory 15.43 GiB is allocated by PyTorch, and 1.97 GiB is reserved by PyTorch but unallocated."
    )


def preset() -> Plan:
    return load_preset("24gb-card", other_machine("NVIDIA GeForce RTX 4090"))


def test_a_command_with_its_error_gives_ledger_moment_and_change() -> None:
    found = explain(f"$ {LLAMA}\n{LOSS}{oom()}")
    assert found.plan_from == "command"
    assert found.moment is not None
    assert found.moment.name == "loss"
    assert found.headline == "3.12 GiB were missing on the card, at the head and the loss, over the whole vocabulary."
    assert found.estimate is not None
    assert found.estimate.verdict is Verdict.DOES_NOT_FIT
    assert found.changes
    assert all(estimate(c.plan).verdict is Verdict.FITS for c in found.changes[:1])
    assert found.problem is None


def test_the_run_had_what_others_left_of_its_card() -> None:
    found = explain(f"{LLAMA}\n{oom()}")
    assert found.plan is not None
    device = found.plan.machine.devices[0]
    assert device.total_bytes == round(23.64 * GIB)
    assert device.free_bytes == pytest.approx(17.87 * GIB + 810 * MIB, abs=MIB)
    assert [h.name for h in device.others] == ["process 438"]
    assert any("held by another process (438)" in x for x in found.happened)
    alone = explain(f"{LLAMA}\n{oom(held='22.84', other='')}")
    assert alone.plan is not None
    assert alone.plan.machine.devices[0].free_bytes == pytest.approx(23.63 * GIB, abs=20 * MIB)


def test_where_no_process_is_listed_what_is_neither_free_nor_torch_s_is_another_program_s() -> None:
    old = (
        "CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 23.64 GiB total capacity; 10.00 GiB already allocated; "
        "1.00 GiB free; 11.00 GiB reserved in total by PyTorch)"
    )
    found = explain(f"{LLAMA}\n{old}")
    assert found.plan is not None
    free = found.plan.machine.devices[0].free_bytes
    assert 12 * GIB < free < 13.5 * GIB  # 11 of torch, 1 free, and a context
    assert any("neither free nor PyTorch's" in x for x in found.happened)
    alone = explain(old.replace("10.00 GiB already", "20.00 GiB already").replace("11.00 GiB res", "22.00 GiB res"))
    assert not any("neither free" in x for x in alone.happened)


def test_metal_s_limit_is_the_run_s_and_names_the_computer() -> None:
    """torch lets a run have 1.7 times what macOS recommends; what else Metal holds is the same process's."""
    text = "MPS backend out of memory (MPS allocated: 9.50 GiB, other allocations: 17.00 GiB, max allowed: 27.20 GiB). Tried to allocate 1.00 GiB on private pool."
    found = explain(f"{LLAMA}\n{text}")
    assert found.plan is not None
    device = found.plan.machine.devices[0]
    assert (device.kind, device.free_bytes) == ("mps", round(27.2 * GIB))
    assert device.name == "Apple M2"
    assert any("17.00 GiB in other allocations of Metal" in x for x in found.happened)


def test_a_card_without_bfloat16_is_planned_with_as_many_bytes() -> None:
    error = oom().replace("23.64 GiB", "14.56 GiB").replace("15.43 GiB", "12.00 GiB").replace("17.87", "9.10")
    found = explain(f"{LLAMA} --load_in_4bit\nTesla T4\n{error}")
    assert found.plan is not None
    assert found.plan.machine.devices[0].name == "Tesla T4"
    assert found.estimate is not None
    assert found.estimate.tiers
    assert any("float16" in note for note in found.plan.machine.notes)


def test_intel_s_limit_of_one_piece_is_said() -> None:
    text = "XPU out of memory. Tried to allocate 8.00 GiB. GPU 0 has a total capacity of 15.11 GiB. Of the allocated memory 0 bytes is allocated by PyTorch"
    assert any("in one piece" in x for x in explain(text).happened)
    assert not any("in one piece" in x for x in explain(text.replace("8.00 GiB", "1.00 GiB")).happened)


def test_computed_settings_beside_the_figures_give_a_second_peak() -> None:
    command = "trl sft --model_name_or_path meta-llama/Llama-3.2-1B --gradient_checkpointing false --per_device_train_batch_size 16"
    assert any("the live peak would be about" in x for x in explain(f"{command}\n{oom()}").ledger)
    assert not any("would be about" in x for x in explain(f"{command} --bf16 False\n{oom()}").ledger)


def test_a_moment_that_is_not_the_ledger_s_is_told_with_both_figures() -> None:
    frame = 'Traceback (most recent call last):\n  File "/v/torch/optim/adamw.py", line 1, in _init_group\n    x\n'
    told = explain(f"{LLAMA}\n{frame}{oom()}").disagrees
    assert any("the optimizer's step" in x and "against" in x for x in told)
    assert not any("against" in x for x in explain(f"{LLAMA}\n{LOSS}{oom()}").disagrees)


def test_a_card_is_named_where_capacity_and_text_leave_one() -> None:
    assert "Card of 23.64 GiB" in str(explain(f"{LLAMA}\n{oom()}").plan)
    assert "NVIDIA GeForce RTX 4090" in str(explain(f"{LLAMA}\non my RTX 4090:\n{oom()}").plan)


def test_pieces_that_were_reserved_and_unused_are_told_with_the_setting_that_helps() -> None:
    def told(asked: str) -> str:
        return next(x for x in explain(oom(asked)).happened if "expandable_segments:True" in x)

    assert "may be enough" in told("1.50 GiB")
    assert "not enough" in told("4.00 GiB")
    small = oom().replace("1.97 GiB is reserved", "20.00 MiB is reserved")
    assert not any("expandable" in x for x in explain(small).happened)


def test_what_was_asked_for_is_named_where_it_is_a_tensor_of_the_plan() -> None:
    told = explain(f"{LLAMA}\n{LOSS}{oom('3.91 GiB')}").ledger
    assert any("the logits of 4 × 2,048 tokens over 128,256 words in float32" in x for x in told)
    assert not any("is the logits" in x for x in explain(f"{LLAMA}\n{oom('3.70 GiB')}").ledger)


def test_a_run_that_would_have_fitted_says_so_and_saves_what_was_missing() -> None:
    small = "trl sft --model_name_or_path Qwen/Qwen2.5-7B --use_peft --dtype bfloat16 --per_device_train_batch_size 2"
    text = f"{small}\n{oom('1.96 GiB', held='22.84', other='').replace('15.43 GiB is alloc', '20.43 GiB is alloc')}"
    found = explain(text)
    assert found.estimate is not None
    assert found.estimate.verdict is Verdict.FITS
    assert any("22.39 GiB" in x for x in found.disagrees)
    assert found.changes
    assert all(c.saves_bytes >= 1.96 * GIB - 810 * MIB for c in found.changes)
    more = explain(text.replace("1.96 GiB", "11.00 GiB"))
    assert all(c.saves_bytes >= 11 * GIB - 810 * MIB for c in more.changes)
    assert found.changes[0].plan.machine == (found.plan or preset()).machine


def test_a_moment_that_no_plan_holds_is_said() -> None:
    frame = (
        'Traceback (most recent call last):\n  File "/v/transformers/trainer.py", line 1, in evaluation_loop\n    x\n'
    )
    assert any("do not hold" in x for x in explain(f"{LLAMA}\n{frame}{oom()}").disagrees)


def test_without_a_command_the_open_plan_is_explained_on_the_error_s_card() -> None:
    plan = preset()
    found = explain(oom(), plan)
    assert found.plan_from == "open"
    assert found.plan is not None
    assert found.plan.model == plan.model
    assert found.plan.machine.devices[0].total_bytes == round(23.64 * GIB)
    assert any("may not be the run that failed" in x for x in found.ledger)


def test_an_open_plan_for_a_cpu_goes_to_the_card_of_the_error() -> None:
    cpu = Device("cpu", "cpu", "A processor", 16 * GIB, 12 * GIB)
    here = MachineFacts("this computer", "Linux", "A processor", 4, 16 * GIB, 12 * GIB, 0, 100 * GIB, (cpu,))
    plan = replace(preset(), machine=here)
    placement = plan.stage.choice(Slot.PLACEMENT)
    assert placement is not None
    plan = plan.with_choice(replace(placement, options=replace(placement.options, device="cpu")))
    found = explain(oom(), plan)
    assert found.estimate is not None
    assert found.estimate.tiers[0].capacity_bytes == round(23.64 * GIB)


def test_with_neither_command_nor_plan_the_text_speaks_and_what_is_missing_is_said() -> None:
    found = explain(oom())
    assert found.plan is None
    assert found.happened
    assert found.missing
    assert found.problem is None


def test_a_command_alone_is_planned_for_this_computer() -> None:
    here = other_machine("NVIDIA L4")
    found = explain(LLAMA, None, here)
    assert found.plan is not None
    assert found.plan.machine == here
    assert found.reading is None
    nowhere = explain(LLAMA)
    assert nowhere.estimate is not None
    assert nowhere.estimate.verdict is Verdict.CANNOT_TELL


def test_a_process_that_the_kernel_ended_is_about_the_computer_s_memory() -> None:
    killed = "Out of memory: Killed process 7 (python3) total-vm:53312244kB, anon-rss:3145728kB, file-rss:1kB"
    found = explain(f"{LLAMA}\n{killed}", None, other_machine("NVIDIA H100 80GB HBM3"))
    assert found.headline.startswith("The computer's memory ran out")
    assert found.plan is not None
    assert found.plan.machine.ram_available_bytes == 3 * GIB


@pytest.mark.parametrize(
    ("text", "code"), [("", "why.empty"), ("  \n", "why.empty"), ("loss 0.31 at step 12", "why.nothing_found")]
)
def test_a_text_with_nothing_in_it_is_a_problem(text: str, code: str) -> None:
    found = explain(text)
    assert found.problem is not None
    assert found.problem.code == code


def test_no_secret_of_the_text_is_anywhere_in_the_answer() -> None:
    secret = "hf_abcdefghijklmnop1234"
    found = explain(f"HF_TOKEN={secret} {LLAMA} --hub_token {secret} --dataset_name {secret} --x {secret}\n{oom()}")
    assert secret not in repr(found)


def test_a_command_s_values_never_reach_a_file() -> None:
    found = explain("trl sft --model_name_or_path /etc/passwd --config /etc/hosts")
    assert found.plan is None
    assert any("open its folder" in x for x in found.missing)


def test_a_run_that_holds_less_than_its_weights_as_read_is_told_how_it_may_have_stored_them() -> None:
    as_read = LLAMA.replace(" --dtype bfloat16", "")
    enough = oom().replace("15.43 GiB is alloc", "20.03 GiB is alloc")
    told = next(x for x in explain(f"{as_read}\n{LOSS}{enough}").disagrees if "weights alone" in x)
    assert "29.92 GiB" in told
    assert "bfloat16" in told
    fewer = oom().replace("15.43 GiB is alloc", "9.00 GiB is alloc")
    assert "4-bit" in next(x for x in explain(f"{as_read}\n{LOSS}{fewer}").disagrees if "weights alone" in x)
    assert not any("weights alone" in x for x in explain(f"{LLAMA}\n{LOSS}{enough}").disagrees)


def test_a_size_that_no_card_can_have_is_not_told_as_nothing() -> None:
    found = explain(oom("9999999999999.00 GiB"))
    assert found.reading is not None
    assert found.reading.asked is None
    assert found.headline == "Memory ran out on the card."


def test_figures_of_an_error_that_cannot_all_be_true_are_said_to_disagree() -> None:
    assert not [x for x in explain(oom()).happened if "do not agree" in x]
    for odd in (oom(free="30.00 GiB", other=""), oom(held="9.00")):
        assert len([x for x in explain(odd).happened if "do not agree" in x]) == 1
    assert not [x for x in explain(oom(free="30.00 GiB", other="")).happened if "not in one piece" in x]


def test_a_decimal_comma_is_read_as_a_point() -> None:
    found = explain(oom(asked="3,91 GiB", free="810,50 MiB", held="17,87"))
    assert found.reading is not None
    assert found.reading.asked == round(3.91 * GIB)
    assert found.reading.free == round(810.5 * MIB)
    assert found.reading.process == round(17.87 * GIB)
