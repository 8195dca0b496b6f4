"""Towers, projectors and multimodal wrappers against counts on the real classes."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.adapters.architectures.defaults import class_defaults
from llm_calc.adapters.architectures.fields import Fields
from llm_calc.adapters.architectures.reading import Reading, read_config
from llm_calc.adapters.architectures.towers.parts import Encoder, pair, patch_grid
from llm_calc.adapters.architectures.towers.table import TOWERS, read_tower
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.flops import reference_decode_flops, reference_prefill_flops
from llm_calc.core.memory import CacheFormat, kv_cache_bytes_per_token, total_parameters
from llm_calc.core.model import Model

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "golden" / "towers.json").read_text(encoding="utf-8")
)
ROWS: list[dict[str, Any]] = GOLDEN["rows"]
PUBLISHED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "golden" / "published_multimodal.json").read_text(encoding="utf-8")
)["rows"]
BY_NAME = {row["name"]: row for row in ROWS}
SMALL_TEXT = {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 256, "num_attention_heads": 4}


def vision_parameters(model: Model) -> int:
    return sum(p.stored * p.weight.params for p in model.placed if p.weight.component == "vision")


def read(config: dict[str, Any], **changes: object) -> Reading:
    return read_config({**deepcopy(config), **changes})


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in ROWS])
def test_parameters_are_those_of_the_class(row: dict[str, Any]) -> None:
    model = read_config(row["config"]).model
    assert vision_parameters(model) == row["vision"]
    assert total_parameters(model) == row["parameters"]


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["name"]) for row in ROWS if "absent" not in row["name"]]
)
def test_files_with_their_parts_are_read_exactly(row: dict[str, Any]) -> None:
    reading = read_config(row["config"])
    assert reading.assumptions == ()
    assert reading.confidence == "exact"


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in PUBLISHED])
def test_published_files_have_the_size_of_their_checkpoints(row: dict[str, Any]) -> None:
    reading = read_config(row["config"])
    assert reading.assumptions == ()
    assert total_parameters(reading.model) == row["parameters"]


@pytest.mark.parametrize("name", ["llava, parts absent", "llama4, parts absent", "voxtral, parts absent"])
def test_an_absent_tower_is_what_the_class_assumes_and_said_so(name: str) -> None:
    reading = read_config(BY_NAME[name]["config"])
    assert reading.confidence == "approximate"
    assert any(
        "is absent: the tower is what the class assumes" in sentence for sentence in reading.assumptions
    )


def test_a_part_that_may_be_null_is_no_tower() -> None:
    config = BY_NAME["gemma4, class defaults"]["config"]
    reading = read(config, vision_config=None, audio_config=None)
    assert vision_parameters(reading.model) == 0
    assert reading.confidence == "exact"


def test_towers_add_neither_flops_nor_cache() -> None:
    config = BY_NAME["qwen3_vl, class defaults"]["config"]
    with_tower = read_config(config).model
    text = read_config(
        {"model_type": "qwen3", "tie_word_embeddings": False, **config["text_config"]}
        | {"model_type": "qwen3_vl_text", "tie_word_embeddings": False}
    ).model
    element = CacheFormat(bytes_per_element=1.0)
    assert kv_cache_bytes_per_token(with_tower, element) == kv_cache_bytes_per_token(text, element)
    assert reference_prefill_flops(with_tower, 1, 64) == reference_prefill_flops(text, 1, 64)
    assert reference_decode_flops(with_tower, 64) == reference_decode_flops(text, 64)
    assert total_parameters(with_tower) - vision_parameters(with_tower) == total_parameters(text)


# Whose flag ties the head, counted on the classes with every combination (top level, text part).
TIES: dict[str, dict[tuple[bool | None, bool | None], bool]] = {
    "llava": {(None, True): True, (False, True): True, (True, False): True, (None, False): False},
    "qwen3_vl": {(None, True): False, (False, True): False, (True, False): True},
    "gemma3": {(None, False): True, (False, True): False, (True, False): True},
    "llama4": {(True, False): False, (None, True): True, (False, True): True},
    "mllama": {(None, True): False},
    "qwen2_audio": {(True, True): False},
    "voxtral": {(True, True): False},
    "cosmos3_edge": {(True, True): False},
}


@pytest.mark.parametrize(
    ("model_type", "top", "text", "tied"),
    [(name, *flags, tied) for name, cases in TIES.items() for flags, tied in cases.items()],
)
def test_the_head_is_tied_by_the_flag_that_the_class_reads(
    model_type: str, top: bool | None, text: bool | None, tied: bool
) -> None:
    config = deepcopy(BY_NAME[f"{model_type}, class defaults"]["config"])
    if top is not None:
        config["tie_word_embeddings"] = top
    if text is not None:
        config["text_config"]["tie_word_embeddings"] = text
    assert read_config(config).model.head_tied is tied


def test_an_unknown_tower_is_counted_as_a_plain_one_and_said_so() -> None:
    tower = {"model_type": "new_tower", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
    tower |= {"num_attention_heads": 4, "num_channels": 3, "patch_size": 4, "image_size": 16}
    reading = read_config({"model_type": "llava", "text_config": SMALL_TEXT, "vision_config": tower})
    assert reading.confidence == "approximate"
    assert any("new_tower" in sentence for sentence in reading.assumptions)
    # patches, positions, two layers of attention, feed-forward and norms, a last norm; the projector
    layer = 4 * (64 * 64 + 64) + 64 * 128 + 128 + 128 * 64 + 64 + 4 * 64
    projector = 64 * 256 + 256 + 256 * 256 + 256
    assert vision_parameters(reading.model) == 48 * 64 + 64 + 16 * 64 + 2 * layer + 2 * 64 + projector


def test_a_tower_without_sizes_is_left_out_and_said_so() -> None:
    f = Fields({"model_type": "new_tower"}, model_type="new_tower")
    assert read_tower(f, "") is None
    assert any("not counted" in sentence for sentence in f.notes.guesses)


def test_a_key_of_a_tower_that_nobody_understands_is_named() -> None:
    config = deepcopy(BY_NAME["llava, class defaults"]["config"])
    config["vision_config"]["extra_blocks"] = 3
    reading = read_config(config)
    assert reading.confidence == "approximate"
    assert any("vision_config.extra_blocks" in sentence for sentence in reading.assumptions)


def test_a_wrong_size_of_a_tower_is_refused_by_name() -> None:
    config = deepcopy(BY_NAME["llava, class defaults"]["config"])
    config["vision_config"]["hidden_size"] = -1
    with pytest.raises(InvalidInputError, match=r"vision_config\.hidden_size"):
        read_config(config)


@pytest.mark.parametrize(
    ("model_type", "text_class"),
    [("mllama", "MllamaForCausalLM"), ("llama4", "Llama4ForCausalLM"), ("qwen3_5", "Qwen3_5ForCausalLM")],
)
def test_the_text_class_of_a_multimodal_type_has_no_tower(model_type: str, text_class: str) -> None:
    config = BY_NAME[f"{model_type}, class defaults"]["config"]
    whole, text = read_config(config), read(config, architectures=[text_class])
    assert text.confidence == "exact"
    assert vision_parameters(text.model) == 0
    assert total_parameters(whole.model) - total_parameters(text.model) == vision_parameters(whole.model)


def test_cross_attention_costs_text_memory_alone() -> None:
    config = deepcopy(BY_NAME["mllama, class defaults"]["config"])
    config["text_config"] |= {"num_hidden_layers": 4, "cross_attention_layers": [1]}
    with_crossing = read_config(config).model
    config["text_config"] |= {"num_hidden_layers": 3, "cross_attention_layers": []}
    without = read_config(config).model
    assert total_parameters(with_crossing) > total_parameters(without)
    assert (
        reference_prefill_flops(with_crossing, 1, 32).total == reference_prefill_flops(without, 1, 32).total
    )
    element = CacheFormat(bytes_per_element=2.0)
    assert kv_cache_bytes_per_token(with_crossing, element) == kv_cache_bytes_per_token(without, element)


def test_text_keys_at_the_level_of_the_wrapper_are_read() -> None:
    """Qwen2-VL publishes its text sizes beside ``vision_config``."""
    nested = deepcopy(BY_NAME["qwen2_vl, class defaults"]["config"])
    nested["text_config"] = {"hidden_size": 1536, "num_attention_heads": 12, "num_key_value_heads": 2}
    nested["text_config"] |= {"num_hidden_layers": 28, "intermediate_size": 8960, "vocab_size": 151936}
    flat = {key: value for key, value in nested.items() if key != "text_config"} | nested["text_config"]
    assert read_config(flat).confidence == "exact"
    assert total_parameters(read_config(flat).model) == total_parameters(read_config(nested).model)


def test_a_wrapper_that_states_the_type_of_its_text_is_known_by_its_class() -> None:
    """Ministral 3 states ``ministral3`` beside its vision tower."""
    row = BY_NAME["mistral3, class defaults"]
    text = row["config"]["text_config"] | {"model_type": "ministral3"}
    expected = read(row["config"], text_config=text)
    found = read(
        row["config"],
        model_type="ministral3",
        architectures=["Mistral3ForConditionalGeneration"],
        text_config=text,
    )
    assert total_parameters(found.model) == total_parameters(expected.model)
    assert vision_parameters(found.model) == row["vision"]


def test_published_spellings_of_kimi_are_read() -> None:
    row = BY_NAME["kimi_k25, class defaults"]
    published: dict[str, object] = {
        "vt_hidden_size": 1152,
        "vt_num_hidden_layers": 27,
        "vt_intermediate_size": 4304,
    }
    published |= {"vt_num_attention_heads": 16, "init_pos_emb_height": 64, "init_pos_emb_width": 64}
    published |= {"mm_hidden_size": 1152, "patch_size": 14, "merge_kernel_size": [2, 2]}
    assert vision_parameters(read(row["config"], vision_config=published).model) == row["vision"]
    fewer = published | {"vt_num_hidden_layers": 26}
    assert vision_parameters(read(row["config"], vision_config=fewer).model) < row["vision"]


def test_every_kind_of_tower_is_counted_somewhere() -> None:
    seen: set[str] = set()
    for row in ROWS:
        config, parts = row["config"], class_defaults(row["config"]["model_type"]).parts
        seen |= {
            part["model_type"] for part in config.values() if isinstance(part, dict) and "model_type" in part
        }
        seen |= {kind for key, kind in parts.items() if key in config}
    assert set(TOWERS) <= seen | {INTERNVL2_2B["vision_config"]["model_type"], "qwen4_exp_vision"}


@given(
    layers=st.integers(0, 40),
    heads=st.integers(1, 16),
    head_dim=st.integers(1, 64),
    intermediate=st.integers(1, 512),
    gated=st.booleans(),
    biased=st.booleans(),
)
def test_an_encoder_is_so_many_equal_layers(
    *, layers: int, heads: int, head_dim: int, intermediate: int, gated: bool, biased: bool
) -> None:
    encoder = Encoder(
        layers=layers,
        hidden=heads * head_dim,
        intermediate=intermediate,
        heads=heads,
        gated=gated,
        biases="qkvogud" if biased else "",
    )
    hidden = heads * head_dim
    matrices = 4 * hidden**2 + (3 if gated else 2) * hidden * intermediate
    biases = 5 * hidden + (2 if gated else 1) * intermediate if biased else 0
    assert sum(weight.params for weight in encoder.weights()) == layers * (matrices + biases + 4 * hidden)
    assert all(weight.component == "vision" and not weight.flops_per_token for weight in encoder.weights())


def test_sizes_of_images_may_be_pairs() -> None:
    f = Fields({"image_size": [448, 224], "patch_size": 14})
    assert patch_grid(f) == 32 * 16
    with pytest.raises(InvalidInputError, match="image_size"):
        pair(Fields({"image_size": [448, 224, 3]}), "image_size")


# Dimensions and sizes of published checkpoints whose classes only their authors' code knows.
INTERNVL2_2B: dict[str, Any] = {
    "architectures": ["InternVLChatModel"],
    "model_type": "internvl_chat",
    "downsample_ratio": 0.5,
    "llm_config": {
        "architectures": ["InternLM2ForCausalLM"],
        "model_type": "internlm2",
        "bias": False,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_attention_heads": 16,
        "num_hidden_layers": 24,
        "num_key_value_heads": 8,
        "tie_word_embeddings": False,
        "vocab_size": 92553,
    },
    "vision_config": {
        "architectures": ["InternVisionModel"],
        "model_type": "intern_vit_6b",
        "hidden_size": 1024,
        "image_size": 448,
        "intermediate_size": 4096,
        "norm_type": "layer_norm",
        "num_attention_heads": 16,
        "num_hidden_layers": 24,
        "patch_size": 14,
        "qk_normalization": False,
        "qkv_bias": True,
    },
}
PHI_3_VISION: dict[str, Any] = {
    "architectures": ["Phi3VForCausalLM"],
    "model_type": "phi3_v",
    "embd_layer": {"embedding_cls": "image", "projection_cls": "mlp", "use_hd_transform": True},
    "hidden_size": 3072,
    "img_processor": {"model_name": "openai/clip-vit-large-patch14-336", "name": "clip_vision_model"},
    "intermediate_size": 8192,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 32,
    "sliding_window": 131072,
    "tie_word_embeddings": False,
    "vocab_size": 32064,
}


def test_internvl_as_published() -> None:
    reading = read_config(INTERNVL2_2B)
    assert reading.confidence == "exact"
    model = reading.model
    assert vision_parameters(model) == 304_012_288 + 12_595_200  # InternViT-300M and its projector
    assert total_parameters(model) == 2_205_754_368


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({}, 453_650_672),
        (
            {
                "depth": 3,
                "hidden_size": 768,
                "num_heads": 12,
                "intermediate_size": 2000,
                "out_hidden_size": 1024,
                "num_position_embeddings": 1000,
                "patch_size": 14,
            },
            30_581_104,
        ),
    ],
)
def test_the_tower_of_qwen4_is_that_of_the_class(changes: dict[str, object], parameters: int) -> None:
    """Counted alone: the class of the whole model needs sizes of its text part."""
    tower = read_tower(Fields(changes), "qwen4_exp_vision")
    assert tower is not None
    assert sum(weight.params for weight in tower.weights) == parameters


def test_phi_3_vision_as_published() -> None:
    reading = read_config(PHI_3_VISION)
    assert total_parameters(reading.model) == 4_146_621_440
    other = read(PHI_3_VISION, img_processor={"model_name": "openai/clip-vit-base-patch32"})
    assert any("img_processor" in sentence for sentence in other.assumptions)


def test_towers_of_an_unknown_wrapper_are_counted_and_said_so() -> None:
    row = BY_NAME["gemma3, class defaults"]
    config = {**row["config"], "model_type": "new_wrapper"}
    reading = read_config(config)
    assert reading.confidence == "approximate"
    assert any("new_wrapper" in sentence for sentence in reading.assumptions)
    assert any("projectors" in sentence for sentence in reading.assumptions)
    assert 0 < vision_parameters(reading.model) < row["vision"]
