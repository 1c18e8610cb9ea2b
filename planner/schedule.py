"""What is run how long: batch, length, steps, learning rate. Options like any technique's, so one form draws them."""

from __future__ import annotations

from dataclasses import dataclass

from planner.options import option

MOST_STEPS = 2**31 - 1


@dataclass(frozen=True)
class Schedule:
    """Names follow transformers' TrainingArguments and TRL's SFTConfig where they mean the same."""

    micro_batch: int = option(
        4, "Batch", "Rows in one forward pass on the device.", unit="rows", minimum=1, maximum=4096
    )
    max_length: int = option(
        512, "Length", "Longer rows are cut after this many tokens.", unit="tokens", minimum=8, maximum=1_048_576
    )
    grad_accumulation: int = option(
        1,
        "Accumulation",
        "Micro-batches per optimizer step; gradients stay in memory between them.",
        unit="batches",
        minimum=1,
        maximum=4096,
    )
    epochs: float = option(1.0, "Epochs", "Passes over the data.", minimum=0.001, maximum=1000)
    max_steps: int = option(
        -1,
        "Step limit",
        "Stop after this many optimizer steps; −1 or 0 means none.",
        unit="steps",
        minimum=-1,
        maximum=MOST_STEPS,
        advanced=True,
    )
    learning_rate: float = option(2e-4, "Learning rate", "Peak learning rate.", minimum=0.0, maximum=10.0)
    lr_scheduler: str = option(
        "linear",
        "Learning-rate schedule",
        "How the learning rate falls after warm-up.",
        choices=(("linear", "linear"), ("cosine", "cosine"), ("constant", "constant")),
        advanced=True,
    )
    warmup_steps: int = option(
        0, "Warm-up", "Steps until the peak rate.", unit="steps", minimum=0, maximum=MOST_STEPS, advanced=True
    )
    weight_decay: float = option(
        0.0, "Weight decay", "AdamW's decoupled decay.", minimum=0.0, maximum=10.0, advanced=True
    )
    max_grad_norm: float = option(
        1.0,
        "Gradient clipping",
        "Largest gradient norm; 0 turns clipping off.",
        minimum=0.0,
        maximum=1e6,
        advanced=True,
    )
    shuffle: bool = option(True, "Shuffle", "Draw the rows in a seeded random order.", advanced=True)
    completion_only: bool = option(
        False,
        "Loss on answers only",
        "For prompt–completion rows: tokens of the prompt do not count in the loss.",
        advanced=True,
    )
    save_steps: int = option(
        25, "Checkpoint every", "A run cut off resumes from the last one.", unit="steps", minimum=1, maximum=MOST_STEPS
    )
    eval_fraction: float = option(
        0.0,
        "Held out",
        "Share of the rows that is kept for evaluation and never trained on; 0 evaluates nothing.",
        minimum=0.0,
        maximum=0.9,
    )
    eval_steps: int = option(
        0,
        "Evaluate every",
        "Loss on the rows held out after so many optimizer steps, and at the end; 0 only at the end.",
        unit="steps",
        minimum=0,
        maximum=MOST_STEPS,
    )
    eval_batch: int = option(
        0,
        "Evaluation batch",
        "Rows in one forward pass of an evaluation; 0 takes the batch of training.",
        unit="rows",
        minimum=0,
        maximum=4096,
        advanced=True,
    )
    sample_steps: int = option(
        0,
        "Sample answer every",
        "An answer to the sample question after so many optimizer steps; 0 only before and after training.",
        unit="steps",
        minimum=0,
        maximum=MOST_STEPS,
        advanced=True,
    )
    seed: int = option(
        17, "Seed", "Fixes data order, dropout and adapter start.", minimum=0, maximum=2**32 - 1, advanced=True
    )
    threads: int = option(
        0,
        "CPU threads",
        "Threads torch computes with; 0 takes the physical cores.",
        minimum=0,
        maximum=1024,
        advanced=True,
    )
