"""At which moment of a run an error struck, from the frames of its traceback.

It goes by names of files and functions of torch, transformers, trl, peft, accelerate and bitsandbytes, outer ones first:
a forward pass inside an evaluation is the evaluation's. It knows no sizes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.why.text import Text

MOST_FRAMES = 400
CODE_LINES = 3  # after a frame's first line, where its source stands

_FILE = re.compile(r"\s{0,12}File \"?([^\"\n]{1,400}?)\"?(?:, line \d{1,7}|:\d{1,7}), in ([\w.<>]{1,120})")
_NOTEBOOK = re.compile(r"\s{0,4}([^\s\"]{1,300}\.py) in ([\w.<>]{1,120})\(")


@dataclass(frozen=True)
class Frame:
    """file: its last two parts, with slashes. code: the line of source, where it stands in the text."""

    file: str
    function: str
    code: str


@dataclass(frozen=True)
class Moment:
    """name: stable word. words: for people. moments: the instants of the ledger that it covers; empty for what a plan
    does not compute. seen: which frame told it, as `file, function`. part: of the model, where the source says so."""

    name: str
    words: str
    moments: tuple[str, ...] = ()
    seen: str = ""
    part: str = ""


LOADING = Moment("loading", "while the model was loaded", ("weights",))
SAVING = Moment("saving", "while a checkpoint was written", ("write",))
RESUMING = Moment("resuming", "while a checkpoint was read", ("read",))
EVALUATION = Moment("evaluation", "in an evaluation")
GENERATION = Moment("generation", "while an answer was generated", ("generate",))
OPTIMIZER = Moment("optimizer", "in the optimizer's step", ("update",))
CLIPPING = Moment("clipping", "while gradients were clipped", ("update",))
BACKWARD = Moment("backward", "in the backward pass", ("layer_last", "layer_first", "backward_end"))
LOSS = Moment("loss", "at the head and the loss, over the whole vocabulary", ("loss",))
FORWARD = Moment("forward", "in the forward pass of the blocks", ("forward_end",))
DATA = Moment("data", "while data were prepared")

# (moment, file ends or holds, function, code); outer moments first. An empty expression asks nothing.
_RULES: tuple[tuple[Moment, str, str, str], ...] = (
    (GENERATION, r"generation/utils|pipelines/|vllm/", r"generate|_sample|_beam_search|__call__|_greedy_search|execute_model|.*profile.*", ""),
    (EVALUATION, r"", r"evaluat\w*|_evaluate|evaluation_loop|prediction_loop|prediction_step|predict|nested_concat|pad_across_processes|preprocess_logits_for_metrics", ""),
    (RESUMING, r"", r"_load_from_checkpoint|_load_optimizer_and_scheduler|load_state|load_checkpoint", ""),
    (SAVING, r"", r"_save_checkpoint|save_pretrained|_save|save_model|_save_optimizer_and_scheduler|save_checkpoint|save_state|get_state_dict", ""),
    (SAVING, r"torch/serialization", r"save|_save", ""),
    (OPTIMIZER, r"optim/|optimizers?\.py|lomo", r"step|update_step|optimizer_update\w*|init_state|_init_group|_single_tensor_\w+|_multi_tensor_\w+|_fused_\w+|adamw?|get_state_buffer|_init_state|init_group", ""),
    (OPTIMIZER, r"", r"optimizer_step", ""),
    (CLIPPING, r"clip_grad", r"", ""),
    (CLIPPING, r"", r"clip_grad_norm_?|clip_grad_value_?|get_total_norm|_get_grad_norm", ""),
    (BACKWARD, r"", r"backward|_engine_run_backward|run_backward|unscale_\w*|recompute_fn|unpack_hook", ""),
    (BACKWARD, r"", r"", r"(?:loss|self|accelerator|scaler.*)\.backward\("),
    (LOSS, r"loss_utils|losses?/|cross_entropy|chunked_log|fused_linear", r"", ""),
    (LOSS, r"", r"", r"_ChunkedLogProbFunction|_forward_tile\("),  # TRL's own, in tiles
    (LOSS, r"", r"ForCausalLMLoss|fixed_cross_entropy|cross_entropy|selective_log_softmax|entropy_from_logits|.*logprobs?|.*log_softmax|compute_entropy\w*", ""),
    (LOSS, r"modeling_|models/", r"", r"lm_head\(|logits\s?=\s?logits\.float|logits\.float\(\)|loss_fct\(|self\.loss_function\(|shift_logits|embed_out\("),
    (LOSS, r"", r"convert_to_fp32|_convert_to_fp32", ""),
    (LOADING, r"", r"from_pretrained|load_model|_load_pretrained_model|load_checkpoint_and_dispatch|_load_state_dict_into\w+|load_state_dict|load_shard_file\w*|create_quantized_param|dispatch_model|set_module_tensor_to_device|caching_allocator_warmup|prepare_model_for_kbit_training|get_peft_model|inject_adapter|_move_model_to_device|prepare_model|_prepare_one|convert_and_load\w*|quantize_4bit|quantize", ""),
    (LOADING, r"nn/modules/module", r"_apply|convert|to|cuda", ""),
    (FORWARD, r"modeling_|tuners/|integrations/", r"", ""),
    (FORWARD, r"modeling_|models/|integrations/|tuners/|bitsandbytes/nn|bitsandbytes/autograd|attention|nn/modules|nn/functional|kernels", r"", ""),
    (FORWARD, r"", r"forward|training_step|compute_loss", ""),
    (DATA, r"datasets/|tokenization_|data/|numpy", r"", ""),
)  # fmt: skip
_COMPILED = tuple(
    (moment, re.compile(rf"(?:{file})") if file else None, re.compile(rf"(?:{name})\Z") if name else None,
     re.compile(code) if code else None)
    for moment, file, name, code in _RULES
)  # fmt: skip

_PARTS = (
    ("attention", re.compile(r"self_attn|attention|scaled_dot_product|softmax|query_key|matmul\(query")),
    ("the feed-forward layer", re.compile(r"down_proj|gate_proj|act_fn|\bmlp\b|dense_4h|fc[12]\(")),
    ("an adapter", re.compile(r"lora_[AB]|lora_dropout")),
    ("a norm", re.compile(r"layernorm|rms_?norm|variance", re.IGNORECASE)),
)


def read_moment(text: Text, line: int) -> Moment | None:
    """The moment of the error at this line of the text: of the traceback that ends there. None without a traceback."""
    found = frames(text, line)
    for moment, file, function, code in _COMPILED:
        for frame in (
            reversed(found) if moment is FORWARD else found
        ):  # the block's own frame says more than its caller's
            name = frame.function.rsplit(".", 1)[-1]
            if (
                (file is None or file.search(frame.file))
                and (function is None or function.match(name))
                and (code is None or code.search(frame.code))
            ):
                seen = f"{frame.file}, {frame.function}"
                part = _part(found) if moment in (FORWARD, BACKWARD) else ""
                return Moment(moment.name, moment.words, moment.moments, seen, part)
    return None


def full_logits_seen(text: Text, line: int) -> bool:
    """Whether the traceback goes through transformers' own loss, which makes all logits at once."""
    return any(
        "loss_utils" in f.file or f.function in ("ForCausalLMLoss", "fixed_cross_entropy") or "shift_logits" in f.code
        for f in frames(text, line)
    )


def frames(text: Text, line: int) -> list[Frame]:
    """The frames of the last traceback that begins before `line`, outermost first; of one right after it if there is
    none, for logs that print the error first."""
    before = _frames(text.lines[max(0, line - 4 * MOST_FRAMES) : line + 1])
    return before or _frames(text.lines[line : line + 4 * MOST_FRAMES])


def _frames(lines: tuple[str, ...]) -> list[Frame]:
    found: list[Frame] = []
    for number, line in enumerate(lines):
        if line.lstrip().startswith("Traceback (most recent call last)"):
            found = []
            continue
        told = _FILE.match(line[:900]) or _NOTEBOOK.match(line[:900])
        if told is None:
            continue
        file = "/".join(told[1].replace("\\", "/").split("/")[-3:])
        found.append(Frame(file, told[2], _code(lines[number + 1 : number + 1 + 12], notebook=told.re is _NOTEBOOK)))
    return found[-MOST_FRAMES:]


def _code(after: tuple[str, ...], *, notebook: bool) -> str:
    """The source of a frame: the line marked by an arrow in a notebook, else the lines up to the next frame."""
    marked = next((line for line in after if re.match(r"\s{0,4}-{1,5}> ?\d", line)), None)
    if marked is not None or notebook:
        return (marked or "")[:300]
    code = []
    for line in after[:CODE_LINES]:
        if _FILE.match(line[:900]) or not line.startswith(" "):
            break
        if set(line.strip()) - set("^~"):
            code.append(line.strip()[:300])
    return " ".join(code)


def _part(found: list[Frame]) -> str:
    for frame in reversed(found):
        if "modeling_" in frame.file or "tuners/" in frame.file or "integrations/" in frame.file:
            for words, pattern in _PARTS:
                if pattern.search(frame.code) or pattern.search(frame.function):
                    return words
    return ""
