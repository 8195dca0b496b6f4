"""Multimodal models: whose flag ties the head, where the text part stands, what is published."""

from copy import deepcopy
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.core.flops import reference_decode_flops, reference_prefill_flops
from llm_calc.core.memory import CacheFormat, kv_cache_bytes_per_token, total_parameters
from tests.core.architectures.multimodal import BY_NAME, PUBLISHED, read, vision_parameters


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


@pytest.mark.parametrize(
    ("release", "parameters"), [("4.50.0.dev0", 24_011_361_280), ("5.24.0", 23_340_272_640)]
)
def test_who_wrote_a_file_that_does_not_speak_of_its_head_decides(release: str, parameters: int) -> None:
    """Mistral-Small-3.1 is published with 24 011 361 280 parameters; 5.24 builds its class with a tied head."""
    config = load_catalogs().model("mistral-small-3.1-24b").published_config
    assert "tie_word_embeddings" not in config
    assert total_parameters(read_config({**config, "transformers_version": release}).model) == parameters


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


@pytest.mark.parametrize("part", ["vision_config", "audio_config"])
def test_a_width_that_the_outer_class_sets_is_that_of_the_text(part: str) -> None:
    # InklingConfig of transformers 5.24.0 writes the text's hidden size over text_hidden_size of both towers
    config = deepcopy(BY_NAME["inkling_mm_model, class defaults"]["config"])
    before = total_parameters(read_config(config).model)
    config[part]["text_hidden_size"] = 12288
    reading = read_config(config)
    assert total_parameters(reading.model) == before
    assert any("text_hidden_size" in sentence for sentence in reading.assumptions)


def test_the_first_files_of_exaone_4_5_name_their_text_otherwise() -> None:
    """The class of transformers 5.24.0 reads ``exaone4_5_text`` as ``exaone4``, whose heads have norms of 128."""
    config = load_catalogs().model("exaone-4.5-33b").config
    assert config["text_config"]["model_type"] == "exaone4_5_text"
    reading = read_config(config)
    assert (reading.confidence, reading.assumptions) == ("exact", ())
    today = {**config, "text_config": {**config["text_config"], "model_type": "exaone4"}}
    assert read_config(today).model.groups == reading.model.groups
    other = {**config, "text_config": {**config["text_config"], "model_type": "another_text"}}
    assert "another_text" in " ".join(read_config(other).assumptions)
