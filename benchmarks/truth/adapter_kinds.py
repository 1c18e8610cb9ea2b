"""For each kind of adapter on matmuls, from its published configuration to the planner's description.

What a configuration leaves out has PEFT's default.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.truth.row import Row, TrainableOptions
from planner.adapters.adapted import Adapter
from planner.adapters.banks import UniLora, VbLora
from planner.adapters.dora import Dora
from planner.adapters.from_weight import Bat, Glora, Hira, Peanut, Shira
from planner.adapters.lora import Lora
from planner.adapters.low_rank import AdaLora, Delora, Gralora, Lily, Miss
from planner.adapters.projected import Adamss, Deft, Frod, Osf, Psoft
from planner.adapters.projections import RandLora, TinyLora, Vera
from planner.adapters.rotations import Boft, C3a, Oft
from planner.adapters.vectors import Beft, Ia3, Road
from planner.adapters.whole_updates import Fourier, Loha, Lokr
from planner.problem import fail
from planner.strict_json import DamagedError, parse


def kind_of(row: Row, o: TrainableOptions, bits: int) -> Adapter:
    build = _KINDS.get(row.trainable)
    if build is None:
        raise fail("row.adapter", f"the adapter {row.trainable} is not computed", "")
    return build(o, bits, row)


def _number(o: TrainableOptions, key: str, otherwise: int) -> int:
    found = o.extra(key)
    return int(found) if isinstance(found, (int, float)) else otherwise


def _share(o: TrainableOptions, row: Row) -> float:
    """Of dropout, wherever the configuration says it."""
    kind = "lora" if row.trainable in ("dora", "adalora") else row.trainable
    found = o.dropout if o.dropout is not None else o.extra(f"{kind}_dropout")
    return float(found) if isinstance(found, (int, float)) else 0.0


def _lora(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    if o.extra("use_dora") is True:
        return _dora(o, bits, row)
    a, b = o.trains_a is not False, o.trains_b is not False
    block = _mapping(o.extra("use_bdlora"))
    if not block:
        return Lora(o.rank or 8, bits, _share(o, row), a, b, biased=o.extra("lora_bias") is True)
    names = [tuple(block.get(f"target_modules_bd_{side}") or ()) for side in "ab"]
    return Lora(o.rank or 8, bits, _share(o, row), a, b, int(block.get("nblocks", 1)), names[0], names[1])


def _mapping(text: Any) -> dict[str, Any]:
    """A configuration within a configuration, published as JSON text."""
    if not isinstance(text, str):
        return {}
    try:
        found = parse(text)
    except DamagedError:
        return {}
    return found if isinstance(found, dict) else {}


def _dora(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    return Dora(o.rank or 8, bits, _share(o, row))


def _vera(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    return Vera(o.rank or 256, bits, _share(o, row), row.trainable == "pvera")


def _tinylora(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    u = _number(o, "u", 64)
    trained = row.trainable_params or u
    return TinyLora(o.rank or 2, u, max(trained // u, 1), bits, bits)


def _miss(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    how = o.extra("init_weights")
    if o.variant == "miss_bat" or how == "bat":
        return Bat(o.rank or 64, bits)
    mini = o.variant == "miss_mini" or how == "mini"
    return Miss(o.rank or 64, bits, _number(o, "mini_r", 1) if mini else 0)


def _osf(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    frozen = _mapping(o.extra("rank_pattern"))
    ranks = tuple((name, int(frozen.get(name, o.rank or 128))) for name in o.target_modules or ())
    return Osf(ranks, bits)


def _glora(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    path = o.extra("config_A_B")
    return Glora(o.rank or 8, bits, str(path) if path in ("vector", "constant") else "product")


def _deft(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    method = o.extra("decomposition_method") or "qr"
    return Deft(o.rank or 8, bits, method == "qr", o.extra("para") is not True)


def _oft(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    size = _number(o, "oft_block_size", 0) or o.block_size or 0
    return Oft(bits, 0 if size else o.rank or 8, size, o.extra("block_share") is True)


def _psoft(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    return Psoft(o.rank or 32, bits, o.extra("psoft_svd") != "lowrank")


def _waveft(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    return Fourier(o.n_frequency or 2592, bits, False, o.extra("use_idwt") is not False)


def _road(o: TrainableOptions, bits: int, row: Row) -> Adapter:
    variant = o.variant if o.variant == "road_2" else o.extra("variant") or "road_1"
    if variant not in _ROADS:
        raise fail("row.adapter", f"the variant {variant} of road is not computed", "")
    return Road(bits, _ROADS[str(variant)])


_ROADS = {"road_1": 1, "road_2": 2, "road_4": 4}


_KINDS: dict[str, Callable[[TrainableOptions, int, Row], Adapter]] = {
    "lora": _lora,
    "dora": _dora,
    "adalora": lambda o, bits, row: AdaLora(o.init_rank or o.rank or 12, bits, _share(o, row), scored=True),
    "vera": _vera,
    "pvera": _vera,
    "ia3": lambda o, bits, row: Ia3(bits),
    "beft": lambda o, bits, row: Beft(bits),
    "road": _road,
    "oft": _oft,
    "boft": lambda o, bits, row: Boft(bits, o.block_size or 4),
    "c3a": lambda o, bits, row: C3a(o.block_size or 256),
    "loha": lambda o, bits, row: Loha(o.rank or 8, bits),
    "lokr": lambda o, bits, row: Lokr(
        o.rank or 8, bits, _number(o, "decompose_factor", -1), o.extra("decompose_both") is True
    ),
    "hira": lambda o, bits, row: Hira(o.rank or 8, bits, _share(o, row)),
    "fourierft": lambda o, bits, row: Fourier(o.n_frequency or 1000, bits),
    "waveft": _waveft,
    "peanut": lambda o, bits, row: Peanut(o.rank or 32, bits, _number(o, "depth", 0)),
    "glora": _glora,
    "shira": lambda o, bits, row: Shira(o.rank or 32, bits),
    "randlora": lambda o, bits, row: RandLora(o.rank or 32, bits, _share(o, row)),
    "tinylora": _tinylora,
    "vblora": lambda o, bits, row: VbLora(
        o.rank or 4, bits, _number(o, "num_vectors", 256), _number(o, "vector_length", 256), _number(o, "topk", 2)
    ),
    "unilora": lambda o, bits, row: UniLora(o.rank or 4, bits, _number(o, "theta_d_length", 256), bits),
    "miss": _miss,
    "delora": lambda o, bits, row: Delora(o.rank or 8, bits),
    "gralora": lambda o, bits, row: Gralora(o.rank or 32, bits, _number(o, "gralora_k", 2), _number(o, "hybrid_r", 0)),
    "lily": lambda o, bits, row: Lily(o.rank or 32, bits, _number(o, "stride_A", 1), _number(o, "num_B", 2)),
    "adamss": lambda o, bits, row: Adamss(
        o.rank or 100, bits, _number(o, "num_subspaces", 5), _number(o, "subspace_rank", 1)
    ),
    "deft": _deft,
    "frod": lambda o, bits, row: Frod(bits, float(o.extra("sparse_rate") or 0.01)),
    "osf": _osf,
    "psoft": _psoft,
}
