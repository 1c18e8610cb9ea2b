"""Loads the matrices of the blocks as four-bit codes, with bitsandbytes. Imports nothing of ours.

No native code is fetched: bitsandbytes looks for faster kernels in a package `kernels`, which is never installed here
(it says so in the worker's log), and the worker is offline.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import BitsAndBytesConfig

UNTRACEABLE = "bitsandbytes looks into its matrices of codes where a trace has no contents"


def load_kwargs(options: Any) -> dict[str, Any]:
    """For `from_pretrained`, which quantises one tensor at a time as it reads the file."""
    return {
        "dtype": torch.bfloat16,
        "quantization_config": BitsAndBytesConfig(  # type: ignore[no-untyped-call]
            load_in_4bit=True,
            bnb_4bit_quant_type=options.quant_type,
            bnb_4bit_use_double_quant=options.double_quant,
            bnb_4bit_compute_dtype=torch.bfloat16,
        ),
    }


def wrap(model: Any, options: Any) -> Any:
    """Copy what was not quantised out of the mapped file, as for any weights, and keep the codes as they are.

    On a CPU with bfloat16 instructions bitsandbytes lays codes out anew at the first answer the model writes, and from
    then on multiplies with a kernel that has no backward pass: training would go on with wrong gradients.
    """
    for parameter in model.parameters():
        parameter.data = parameter.data.clone()
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    return model
