"""What an error says of itself, in sentences: what was asked for, what was held and by whom, what would come back.

Only the text's own figures are used here; the ledger's stand in `planner.why.explain`.
"""

from __future__ import annotations

from planner.units import GIB, MIB, words
from planner.why.card import could_be, unexplained
from planner.why.moment import Moment
from planner.why.reading import Reading

DEVICES = {"cuda": "the card", "hip": "the card", "xpu": "the card", "mps": "the memory that Metal may use"}
WORTH_SAYING_BYTES = 256 * MIB
LARGEST_AT_ONCE_BYTES = 4 * GIB  # of Intel's drivers, unless UR_L0_USE_RELAXED_ALLOCATION_LIMITS is set
FRAGMENTED_FROM_BYTES = 512 * MIB
NEAR = 1.02  # figures are rounded and read one after another
NO_FIGURES = {
    "library": "A library of the card (cuBLAS or one like it) found no memory for its own workspace: the card was full.",
    "vllm": "vLLM found no room for its cache of keys and values: of the share of the card that it may use, weights and "
    "activations left too little. A higher gpu_memory_utilization, a smaller max_model_len or a smaller model helps.",
    "dispatched": "The quantised model found too little free memory on the card while it was loaded, so that parts of it "
    "would have gone to the computer's memory.",
    "killed": "The process was ended from outside with signal 9. On Linux that mostly means that the computer's own "
    "memory (not the card's) ran out, or the limit of its container or job.",
    "cpu": "The computer's own memory ran out, not a card's.",
    "bare": "Memory ran out; the error gives no figures.",
}


def headline(reading: Reading | None, moment: Moment | None) -> str:
    """One line: what ran out, and when."""
    if reading is None:
        return "No out-of-memory error in this text."
    when = f", {moment.words}" if moment else ""
    if reading.kind in NO_FIGURES and reading.asked is None and reading.process is None:
        what = {"vllm": "vLLM had no room for its cache", "killed": "The system ended the process"}
        return f"{what.get(reading.kind, 'Memory ran out')}{when}."
    where = DEVICES.get(reading.kind, "the computer's memory")
    if reading.kind == "killed":
        return f"The computer's memory ran out{when}."
    if reading.asked is None:
        return f"Memory ran out on {where}{when}."
    if reading.asked is not None and reading.free is not None and reading.asked > reading.free:
        return f"{words(reading.asked - reading.free)} were missing on {where}{when}."
    return f"{words(reading.asked)} could not be had of {where}{when}."


def happened(reading: Reading, moment: Moment | None) -> tuple[str, ...]:
    """Every sentence that the error supports, in the order in which a person asks."""
    found = [*_asked(reading), *_held(reading), *_others(reading), *_unused(reading)]
    if not found or reading.kind in ("killed", "library", "vllm", "dispatched") or (reading.asked is None):
        found = [NO_FIGURES[reading.kind], *found] if reading.kind in NO_FIGURES else found
    elif reading.kind in ("cpu", "numpy"):
        found.append(NO_FIGURES["cpu"])
    if moment is not None:
        part = f", in {moment.part}" if moment.part else ""
        found.append(f"It happened {moment.words}{part} (by the frame {moment.seen}).")
    if reading.errors > 1:
        found.append(
            f"The text holds {reading.errors} different out-of-memory errors; the first that says most is read."
        )
    return tuple(found)


def _asked(r: Reading) -> list[str]:
    if r.asked is None:
        return []
    card = f" of card {r.device}" if r.device is not None else ""
    if r.free is not None and r.total is not None:
        like = could_be(r)
        size = f"{words(r.total)}{f' ({like})' if like else ''}"
        said = [f"The run asked for {words(r.asked)} when {words(r.free)} were free{card}, of {size} in all."]
        if r.asked <= r.free <= r.total and r.kind != "mps":
            said.append("More was free than was asked for, but not in one piece, or not for this process.")
        return said
    if r.kind == "xpu" and r.asked >= LARGEST_AT_ONCE_BYTES:
        return [
            f"The run asked for {words(r.asked)} at once{card}. Intel's drivers refuse 4 GiB or more in one piece, "
            "however much is free, unless UR_L0_USE_RELAXED_ALLOCATION_LIMITS=1 is set."
        ]
    total = f", of {words(r.total)} in all" if r.total is not None else ""
    return [f"The run asked for {words(r.asked)} at once{card}{total}."]


def _held(r: Reading) -> list[str]:
    if r.kind == "killed" and r.process is not None:
        return [f"The kernel ended {r.program or 'the process'} when it held {words(r.process)}."]
    if r.allocated is None:
        return []
    parts = [f"{words(r.allocated)} in tensors"]
    beyond = "in other allocations of Metal" if r.kind == "mps" else "that are not PyTorch's (context, libraries)"
    if r.unused:
        parts.append(f"{words(r.unused)} reserved and unused")
    beside = r.process - (r.reserved or 0) if r.process is not None else 0
    if beside > 0:
        parts.append(f"{words(beside)} {beyond}")
    said = [f"It held {words(r.process)}: {', '.join(parts)}." if r.process else f"It held {', '.join(parts)}."]
    if r.total is not None and r.allocated > r.total * NEAR:
        said.append(
            "That is more than the card has: the driver had moved a part into the computer's memory, which is slow."
        )
    if r.allowed is not None and (r.total is None or r.allowed < r.total):
        said.append(f"The process had limited itself to {words(r.allowed)} of the card.")
    return [*said, *_at_odds(r)]


def _at_odds(r: Reading) -> list[str]:
    """Where the error's own figures cannot all be true. Tensors beyond the card are no contradiction: see above."""
    if not r.on_card or r.total is None or r.process is None or (r.allocated or 0) > r.total:
        return []
    if r.process + (r.free or 0) > r.total * NEAR:
        what = f"{words(r.process)} held and {words(r.free or 0)} free are more than the card's {words(r.total)}"
    elif (r.reserved or 0) > r.process * NEAR:
        what = f"{words(r.reserved or 0)} of PyTorch's are more than the {words(r.process)} that the process held"
    else:
        return []
    return [f"The error's own figures do not agree: {what}. They were read at different moments, or changed since."]


def _others(r: Reading) -> list[str]:
    if len(r.others) == 1:
        pid, size = r.others[0]
        return [f"{words(size)} were held by another process ({pid})."]
    if r.others:
        largest = sorted(r.others, key=lambda x: -x[1])[:3]
        named = ", ".join(f"{pid} {words(size)}" for pid, size in largest)
        return [f"{words(r.others_bytes)} were held by {len(r.others)} other processes: {named}."]
    left = unexplained(r)
    if left >= WORTH_SAYING_BYTES:
        return [f"About {words(left)} are neither free nor PyTorch's: other programs hold them."]
    return []


def _unused(r: Reading) -> list[str]:
    said = []
    if r.private_pools:
        said.append(f"{words(r.private_pools)} lie in pools of CUDA graphs, where nothing else may use them.")
    if not r.on_card or not r.unused or r.unused < FRAGMENTED_FROM_BYTES:
        return said
    variable = "PYTORCH_HIP_ALLOC_CONF" if r.kind == "hip" else "PYTORCH_CUDA_ALLOC_CONF"
    if r.kind == "xpu":
        return [*said, f"{words(r.unused)} were reserved but unused, in pieces too small for what was asked."]
    enough = r.asked is not None and r.unused + (r.free or 0) >= r.asked
    back = "would give most of them back" + (
        ", which alone may be enough here" if enough else "; that alone is not enough here"
    )
    return [
        *said,
        f"{words(r.unused)} were reserved but unused, in pieces: {variable}=expandable_segments:True {back}.",
    ]
