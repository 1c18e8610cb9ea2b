"""Gives every counted storage to a line of the ledger: by what it is, or by where it was made and where the run is now.

The names are the ledger's own; how they are counted is `backends.count`'s, which knows none of them.
"""

from __future__ import annotations

from backends.count import Instant, Storage, Where

ROLES = {
    "weights": "Weights",
    "adapter": "Adapter",
    "state": "Optimizer states",
    "batch": "Batch",
    "workspace": "Workspaces of matmuls",
}


def by_line(instant: Instant, n_blocks: int, head_bytes: int, *, accumulated: bool) -> dict[str, int]:
    """Bytes of an instant by the ledger's lines. accumulated: gradients of earlier micro-batches stay."""
    lines: dict[str, int] = {}
    for storage in instant.storages:
        what = line_of(storage, instant.where, n_blocks, head_bytes, accumulated)
        lines[what] = lines.get(what, 0) + storage.bytes
    return lines


def line_of(storage: Storage, where: Where, n_blocks: int, head_bytes: int, accumulated: bool) -> str:
    """The ledger line a storage belongs to: by its role, else by where it was made and where the run is now."""
    if storage.role in ROLES:
        return ROLES[storage.role]
    stretch, block, micro_batch = where
    made, made_block, made_batch = storage.made
    gradient = storage.role == "gradient"
    if stretch == "update":
        return "Gradients" if gradient else "Update workspace"
    if gradient and made_batch != micro_batch:
        return "Gradients"
    if stretch in ("forward", "backward") and made_block == block and made in (stretch, "forward") and block >= 0:
        return f"One block, {stretch}"
    of_head = made == "loss" and storage.bytes == head_bytes and stretch != "loss"
    if stretch == "backward_end" and (made == "backward_end" or not (gradient or of_head)):
        return "End of backward"
    if stretch == "loss" and made == "loss":
        return "Logits and loss"
    if gradient:
        return "Gradients" if accumulated else "Gradients so far"
    if of_head:
        return "Gradient of the tied head" if accumulated else "Gradients so far"
    if made == "forward" and made_block >= 0:
        if stretch == "loss" and made_block == n_blocks - 1:
            return "Kept by the last block"
        return "Kept so far" if stretch == "forward" else "Kept for backward"
    if made == "forward":
        return "Attention mask" if len(storage.shape) == 4 else "Before the blocks"
    return {"loss": "Logits and loss", "forward": "One block, forward"}.get(stretch, "One block, backward")
