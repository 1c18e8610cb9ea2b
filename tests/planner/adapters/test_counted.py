"""Every kind of adapter beside PEFT's own layers: bytes stored, elements trained, and the peak of a real step."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("peft", reason="needs the [train] extra")

import peft

from planner.adapters.adapted import Adapter, adapted
from planner.adapters.attention_prompts import AdaptionPrompt, heard
from planner.adapters.banks import UniLora, VbLora
from planner.adapters.dora import Dora
from planner.adapters.from_weight import Bat, Glora, Hira, Peanut, Shira
from planner.adapters.lora import Lora
from planner.adapters.low_rank import AdaLora, Delora, Gralora, Lily, Miss
from planner.adapters.projected import Adamss, Deft, Frod, Psoft
from planner.adapters.projections import RandLora, TinyLora, Vera
from planner.adapters.prompts import encoded, prefixed, prompted
from planner.adapters.rotations import Boft, C3a, Oft
from planner.adapters.trained_parts import trained_parts, trained_tokens
from planner.adapters.vectors import Beft, Ia3, Road
from planner.adapters.whole_updates import Fourier, Loha, Lokr
from planner.draft import Heads, Stack
from tests.planner.adapters.adapter_count import FACTS, ROWS, counted, planned_of, stack, stored_bytes, with_peft

# PEFT warns of its own defaults and of names that transformers has changed
pytestmark = pytest.mark.filterwarnings("ignore")

QV, QD, MLP = ("q_proj", "v_proj"), ("q_proj", "down_proj"), ("up_proj", "down_proj")
BD = {"nblocks": 2, "target_modules_bd_a": ["down_proj"], "target_modules_bd_b": ["up_proj"]}


class Case(NamedTuple):
    """PEFT's configuration class with its options, and the planner's adapter on the same targets."""

    config: str
    options: dict[str, Any]
    adapter: Adapter
    targets: tuple[str, ...] = QV


CASES = {
    "LoRA": Case("LoraConfig", {"r": 8}, Lora(8, 32)),
    "LoRA with dropout": Case("LoraConfig", {"r": 8, "lora_dropout": 0.1}, Lora(8, 32, 0.1)),
    "LoRA at the feed-forward layer": Case("LoraConfig", {"r": 4}, Lora(4, 32), MLP),
    "LoRA with a bias": Case("LoraConfig", {"r": 8, "lora_bias": True}, Lora(8, 32, biased=True), ("down_proj",)),
    "LoRA at the head": Case("LoraConfig", {"r": 8}, Lora(8, 32), ("v_proj", "lm_head")),
    "LoRA at the embedding": Case("LoraConfig", {"r": 8}, Lora(8, 32), ("embed_tokens",)),
    "MiCA": Case("LoraConfig", {"r": 8, "init_lora_weights": "mica"}, Lora(8, 32, trains_b=False)),
    "BD-LoRA": Case(
        "LoraConfig",
        {"r": 8, "use_bdlora": BD},
        Lora(8, 32, blocks=2, block_a=("down_proj",), block_b=("up_proj",)),
        MLP,
    ),
    "DoRA": Case("LoraConfig", {"r": 8, "use_dora": True}, Dora(8, 32)),
    "DoRA with dropout": Case("LoraConfig", {"r": 8, "use_dora": True, "lora_dropout": 0.1}, Dora(8, 32, 0.1)),
    "DoRA at a long matmul": Case("LoraConfig", {"r": 8, "use_dora": True}, Dora(8, 32), QD),
    "AdaLoRA": Case("AdaLoraConfig", {"init_r": 8, "target_r": 4, "total_step": 100}, AdaLora(8, 32)),
    "IA3": Case("IA3Config", {"feedforward_modules": ["down_proj"]}, Ia3(32), ("k_proj", "v_proj", "down_proj")),
    "BEFT": Case("BeftConfig", {}, Beft(32), ("v_proj",)),
    "RoAd 1": Case("RoadConfig", {"variant": "road_1", "group_size": 32}, Road(32, 1)),
    "RoAd 2": Case("RoadConfig", {"variant": "road_2", "group_size": 32}, Road(32, 2)),
    "RoAd 4": Case("RoadConfig", {"variant": "road_4", "group_size": 32}, Road(32, 4)),
    "VeRA": Case("VeraConfig", {"r": 32}, Vera(32, 32)),
    "VeRA at matmuls of different size": Case("VeraConfig", {"r": 32}, Vera(32, 32), QD),
    "PVeRA": Case("PveraConfig", {"r": 32}, Vera(32, 32, sampled=True)),
    "RandLoRA": Case("RandLoraConfig", {"r": 16}, RandLora(16, 32)),
    "TinyLoRA, tied": Case("TinyLoraConfig", {"r": 4, "u": 8, "weight_tying": 1.0}, TinyLora(4, 8, 1, 32, 32)),
    "TinyLoRA": Case("TinyLoraConfig", {"r": 4, "u": 8, "weight_tying": 0.0}, TinyLora(4, 8, 6, 32, 32)),
    "VB-LoRA": Case("VBLoRAConfig", {"r": 4, "num_vectors": 16, "vector_length": 32}, VbLora(4, 32, 16, 32)),
    "Uni-LoRA": Case("UniLoraConfig", {"r": 8, "theta_d_length": 64}, UniLora(8, 32, 64)),
    "DeLoRA": Case("DeloraConfig", {"r": 8}, Delora(8, 32)),
    "GraLoRA": Case("GraloraConfig", {"r": 8, "gralora_k": 2}, Gralora(8, 32, 2)),
    "GraLoRA, hybrid": Case("GraloraConfig", {"r": 8, "gralora_k": 2, "hybrid_r": 4}, Gralora(8, 32, 2, 4)),
    "Lily": Case("LilyConfig", {"r": 32, "stride_A": 2, "num_B": 2}, Lily(32, 32, 2, 2)),
    "MiSS": Case("MissConfig", {"r": 16}, Miss(16, 32)),
    "MiSS, mini": Case("MissConfig", {"r": 16, "mini_r": 8, "init_weights": "mini"}, Miss(16, 32, 8)),
    "MiSS, bat": Case("MissConfig", {"r": 16, "init_weights": "bat"}, Bat(16, 32)),
    "DEFT": Case("DeftConfig", {"r": 8, "alpha": 16, "decomposition_method": "relu"}, Deft(8, 32)),
    "DEFT, PaRa": Case("DeftConfig", {"r": 8, "decomposition_method": "qr", "para": True}, Deft(8, 32, True, False)),
    "AdaMSS": Case("AdamssConfig", {"r": 16, "num_subspaces": 4, "subspace_rank": 1}, Adamss(16, 32, 4)),
    "FRoD": Case("FrodConfig", {"sparse_rate": 0.02}, Frod(32, 0.02, True), ("q_proj",)),
    "PSOFT": Case("PsoftConfig", {"r": 32}, Psoft(32, 32, False)),
    "OFT by rank": Case("OFTConfig", {"r": 8, "oft_block_size": 0, "use_cayley_neumann": False}, Oft(32, 8)),
    "OFT by block": Case("OFTConfig", {"r": 0, "oft_block_size": 16, "use_cayley_neumann": False}, Oft(32, 0, 16), QD),
    "BOFT": Case("BOFTConfig", {"boft_block_size": 4, "boft_block_num": 0}, Boft(32, 4, True)),
    "C3A": Case("C3AConfig", {"block_size": 32}, C3a(32)),
    "LoHa": Case("LoHaConfig", {"r": 8}, Loha(8, 32)),
    "LoKr": Case("LoKrConfig", {"r": 8, "decompose_factor": 4}, Lokr(8, 32, 4)),
    "LoKr, both factors thin": Case("LoKrConfig", {"r": 2, "decompose_both": True}, Lokr(2, 32, -1, True), QD),
    "HiRA": Case("HiraConfig", {"r": 8}, Hira(8, 32)),
    "FourierFT": Case("FourierFTConfig", {"n_frequency": 100}, Fourier(100, 32)),
    "WaveFT": Case("WaveFTConfig", {"n_frequency": 100}, Fourier(100, 32, False, True)),
    "PEANuT": Case("PeanutConfig", {"r": 8, "depth": 0}, Peanut(8, 32)),
    "PEANuT with a layer more": Case("PeanutConfig", {"r": 8, "depth": 1}, Peanut(8, 32, 1)),
    "GLoRA": Case("GloraConfig", {"r": 8}, Glora(8, 32)),
    "GLoRA by vectors": Case(
        "GloraConfig",
        {"r": 8, "config_A_B": "vector", "config_C": "vector", "config_D_E": "constant"},
        Glora(8, 32, "vector"),
    ),
    "SHiRA": Case("ShiraConfig", {"r": 4}, Shira(4, 32)),
}


def assert_as_planned(config: Any, stacks: tuple[Stack, ...], virtual: int = 0, mask_bits: int = 0) -> None:
    model = with_peft(config)
    real, plan = counted(model), planned_of(stacks, virtual, mask_bits)
    bytes_stored, trained = stored_bytes(model)
    tensors = [x for one in stacks for x in one.tensors]
    assert sum(x.elements for x in tensors if x.trained) == trained
    assert abs(sum(x.bytes for x in tensors) - bytes_stored) < 1024  # a second copy of the rotary frequencies
    peak = bytes_stored + max(real.values())
    assert abs(bytes_stored + max(plan.values()) - peak) < max(0.02 * peak, 8192), {
        moment: (real[moment], plan[moment]) for moment in real
    }
    assert abs(real["loss"] - plan["loss"]) < 0.03 * real["loss"]


@pytest.mark.parametrize("name", CASES)
def test_an_adapter_stores_trains_and_keeps_what_pefts_layer_does(name: str) -> None:
    case = CASES[name]
    if case.config == "AdamssConfig":
        pytest.importorskip("sklearn", reason="AdaMSS needs scikit-learn")
    config = getattr(peft, case.config)(target_modules=list(case.targets), **case.options)
    assert_as_planned(config, (adapted(stack(), case.adapter, case.targets),))


def test_a_prompt_makes_every_row_longer() -> None:
    config = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=16)
    assert_as_planned(config, prompted((stack(),), 16, 32), virtual=16)


def test_an_encoded_prompt_has_three_layers_before_it() -> None:
    config = peft.PromptEncoderConfig(task_type="CAUSAL_LM", num_virtual_tokens=16, encoder_hidden_size=48)
    assert_as_planned(config, encoded((stack(),), 16, 48, 32), virtual=16)


@pytest.mark.parametrize("width", [0, 48])
def test_a_prefix_lengthens_only_keys_and_values(width: int) -> None:
    config = peft.PrefixTuningConfig(
        task_type="CAUSAL_LM",
        num_virtual_tokens=16,
        prefix_projection=width > 0,
        encoder_hidden_size=width or None,  # type: ignore[arg-type]
    )
    assert_as_planned(config, prefixed((stack(),), 16, ROWS, 32, width), mask_bits=8)


def test_trained_norms_stand_beside_their_originals() -> None:
    names = ["input_layernorm", "post_attention_layernorm", "model.norm"]
    config = peft.LNTuningConfig(task_type="CAUSAL_LM", target_modules=names)
    assert_as_planned(config, (trained_parts(stack(), ("norm", "final norm"), copies=True),))


def test_the_attention_looks_at_trained_prompts_besides() -> None:
    heads = Heads(FACTS.n_heads, FACTS.n_kv_heads, FACTS.head_dim)
    config = peft.AdaptionPromptConfig(task_type="CAUSAL_LM", adapter_len=8, adapter_layers=FACTS.n_layers)
    prompt = AdaptionPrompt(8, ROWS, 16, heads, FACTS.hidden_size)
    assert_as_planned(config, (adapted(heard(stack()), prompt, ("o_proj",)),))


def test_a_saved_embedding_is_a_copy_beside_the_original() -> None:
    config = peft.LoraConfig(r=8, target_modules=list(QV), modules_to_save=["embed_tokens"])
    assert_as_planned(config, (trained_parts(adapted(stack(), Lora(8, 32), QV), ("embedding",), copies=True),))


def test_trained_rows_of_a_tied_embedding_make_the_head_whole_again() -> None:
    config = peft.TrainableTokensConfig(token_indices=[1, 2, 3], target_modules=["embed_tokens"])
    assert_as_planned(config, (trained_tokens(stack(), 3, 32),))
