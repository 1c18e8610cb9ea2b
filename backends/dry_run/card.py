"""Operations that a graphics card does in another way than the CPU, traced on the CPU in the card's own way.

Functions are replaced, not a mode entered: backward and the recomputing of blocks must see the same. Followed: torch 2.13,
aten/src/ATen/native/transformers/attention.cpp and cuda/sdp_utils.cpp (which attention kernel, what becomes of a mask),
native/Dropout.cpp; TRL 1.16, kernels/chunked_logprob.py. Not followed: cuDNN's attention, which torch may prefer on
newer cards and which keeps as much. Never run on a GPU beside one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from trl.kernels import chunked_logprob
from trl.trainer import utils as trl_utils

from backends.dry_run.live import Card

aten = torch.ops.aten
HALVES = (torch.float16, torch.bfloat16)
LARGEST_HEAD = 256
MASK_ALIGNMENT = 8
HEAD_ALIGNMENT = 8


@contextmanager
def as_on(card: Card | None) -> Iterator[None]:
    """Around the steps that are traced for a card; does nothing for the CPU."""
    if card is None:
        yield
        return
    replaced: list[tuple[Any, str, Any]] = [
        (F, "scaled_dot_product_attention", attention),
        (F, "dropout", dropout),
        (F, "softmax", _softmax_of(F.softmax)),
        (chunked_logprob, "_use_triton", lambda device: True),
        (trl_utils, "_use_triton", lambda device: True),
        (chunked_logprob, "_forward_kernel", _InPlace()),
        (chunked_logprob, "_backward_kernel", _InPlace()),
        (chunked_logprob, "_addmm_fp32", lambda acc, a, b: acc.add_(0)),
        (chunked_logprob, "triton", SimpleNamespace(cdiv=lambda a, b: -(-a // b))),
    ]
    before = [(where, name, getattr(where, name, None)) for where, name, _ in replaced]
    for where, name, new in replaced:
        setattr(where, name, new)
    try:
        yield
    finally:
        for where, name, old in before:
            setattr(where, name, old)


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """`scaled_dot_product_attention` with the kernel that torch takes on a card, (batch, heads, seq, head).

    Flash for 16 bits without a mask; the memory-efficient one otherwise, unless key and value heads are fewer than query
    heads; then all scores are made. A yes-or-no mask becomes numbers to add, padded to whole groups of eight.
    """
    head = query.shape[-1]
    halves = query.dtype in HALVES and head == value.shape[-1]
    if attn_mask is None and halves and head <= LARGEST_HEAD:
        q, k, v = (_padded(x, HEAD_ALIGNMENT) for x in (query, key, value))
        scale = scale if scale is not None else 1 / math.sqrt(head)
        out: torch.Tensor = aten._scaled_dot_product_flash_attention(q, k, v, dropout_p, is_causal, scale=scale)[0]
        return out if out.shape[-1] == head else out[..., :head]
    if attn_mask is not None and attn_mask.dtype is torch.bool:
        attn_mask = torch.where(attn_mask, 0.0, torch.scalar_tensor(-math.inf, dtype=query.dtype))
    if enable_gqa and key.shape[1] != query.shape[1]:
        return _written_out(query, key, value, attn_mask, dropout_p, is_causal, scale)
    if attn_mask is not None:
        attn_mask = _aligned(attn_mask).expand(*query.shape[:3], key.shape[2])
    wants = any(x.requires_grad for x in (query, key, value))
    out = aten._scaled_dot_product_efficient_attention(
        query, key, value, attn_mask, wants, dropout_p, is_causal, scale=scale
    )
    return out[0]


def _written_out(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    dropout_p: float,
    is_causal: bool,
    scale: float | None,
) -> torch.Tensor:
    """`_scaled_dot_product_attention_math` (attention.cpp) with fewer key and value heads than query heads.

    Written down here because it adds the mask in place, but not to tensors that torch takes for subclasses.
    """
    root = math.sqrt(scale if scale is not None else 1 / math.sqrt(query.shape[-1]))
    if is_causal:
        allowed = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
        mask = torch.where(allowed, 0.0, torch.scalar_tensor(-math.inf, dtype=query.dtype))
        del allowed
    query = query * root
    times = query.shape[-3] // key.shape[-3]
    key, value = key.repeat_interleave(times, dim=-3), value.repeat_interleave(times, dim=-3)
    scores = query @ (key.transpose(-2, -1) * root)
    if mask is not None:
        scores.add_(mask)
    shares = torch._safe_softmax(scores, -1)
    del scores
    if dropout_p:
        shares = dropout(shares, dropout_p)
    return shares @ value


def dropout(
    input: torch.Tensor,  # noqa: A002 - as torch names it
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> torch.Tensor:
    """In one kernel, which keeps one byte an element."""
    if training and 0 < p < 1:
        return torch.native_dropout(input, p, True)[0]
    return torch.dropout(input, p, training)


def _softmax_of(softmax: Any) -> Any:
    def on_card(
        input: torch.Tensor,  # noqa: A002 - as torch names it
        dim: int | None = None,
        _stacklevel: int = 3,
        dtype: Any = None,
    ) -> torch.Tensor:
        """float16 is widened inside the kernel."""
        if input.dtype is torch.float16 and dtype is torch.float32:
            return torch._softmax(input, dim, True)  # type: ignore[arg-type]
        return softmax(input, dim, _stacklevel, dtype)  # type: ignore[no-any-return]

    return on_card


def _padded(tensor: torch.Tensor, to: int) -> torch.Tensor:
    missing = -tensor.shape[-1] % to
    return F.pad(tensor, (0, missing)) if missing else tensor


def _aligned(mask: torch.Tensor) -> torch.Tensor:
    """preprocess_mask: a copy with rows of whole groups of eight, of which the first part is looked at."""
    if all(stride % MASK_ALIGNMENT == 0 for stride in mask.stride()[:-1]) and mask.stride(-1) == 1:
        return mask
    length = mask.shape[-1]
    return F.pad(mask, (0, MASK_ALIGNMENT - length % MASK_ALIGNMENT))[..., :length]


class _InPlace:
    """A Triton kernel: launched with a grid, it makes nothing."""

    def __getitem__(self, grid: Any) -> Any:
        return lambda *args, **kwargs: None
