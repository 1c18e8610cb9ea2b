"""Which devices a run would see: the variables by which a session hides some of its cards, in the drivers' own order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

ROCM_VARIABLES = ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


def cuda_visible(devices: Iterable[Any], visible: str | None, notes: list[str]) -> list[Any]:
    """The devices CUDA_VISIBLE_DEVICES leaves, in its order: indices or UUIDs; CUDA stops at the first wrong one. Of a
    card that is split into instances CUDA shows one instance, and nothing else beside it."""
    found = list(devices)
    chosen = found
    if visible is not None:
        chosen = _chosen(found, visible)
        if len(chosen) < len(found):
            notes.append(f"CUDA_VISIBLE_DEVICES hides {len(found) - len(chosen)} of {len(found)} NVIDIA devices.")
    parts, whole = [d for d in chosen if d.get("mig")], [d for d in chosen if not d.get("mig")]
    if not parts:
        return chosen
    return whole if whole and not chosen[0].get("mig") else parts[:1]


def rocm_visible(
    devices: Iterable[Any], variables: Mapping[str, str], cuda: str | None, notes: list[str]
) -> list[tuple[int, Any]]:
    """(number, device) of what is left by ROCR_VISIBLE_DEVICES, then by HIP_VISIBLE_DEVICES, which counts what the first
    one left and for which HIP takes CUDA_VISIBLE_DEVICES too.

    The numbers are those that HIP counts before it hides any: a run is started with HIP's variable set to one of them,
    and ROCR_VISIBLE_DEVICES as it is.
    """
    left: list[Any] = list(devices)
    for name in ROCM_VARIABLES:
        if name == "HIP_VISIBLE_DEVICES":
            left = [{**d, "index": number} for number, d in enumerate(left)]
        wanted = variables.get(name, cuda if name == "HIP_VISIBLE_DEVICES" else None)
        if wanted is None:
            continue
        before = [{**d, "place": place} for place, d in enumerate(left)]
        left = _chosen(before, wanted, by="place")
        if len(left) < len(before):
            said = name if name in variables else "CUDA_VISIBLE_DEVICES"
            notes.append(f"{said} hides {len(before) - len(left)} of {len(before)} AMD devices.")
    return [(d["index"], d) for d in left]


def _chosen(devices: list[Any], visible: str, by: str = "index") -> list[Any]:
    chosen: list[Any] = []
    for word in (w.strip() for w in visible.split(",")):
        match = [
            d for d in devices if word == str(d[by]) or (len(word) > 4 and str(d.get("uuid", "")).startswith(word))
        ]
        if not match or match[0] in chosen:
            break
        chosen.append(match[0])
    return chosen
