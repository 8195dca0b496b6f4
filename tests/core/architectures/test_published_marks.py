"""Keys of files that the authors' own classes read: marks a layer, heads of windowed layers."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.memory import kv_cache_bytes_per_token, total_parameters


def mimo(**changes: object) -> dict[str, Any]:
    return {**load_catalogs().model("mimo-v2-flash").config, **changes}


def test_the_published_file_of_mimo_v2_flash_is_read_exactly() -> None:
    reading = read_config(mimo())
    assert reading.confidence == "exact"
    assert total_parameters(reading.model) == 308_778_768_832  # that of the class in transformers 5.24.0
    assert kv_cache_bytes_per_token(reading.model) == 2 * (192 + 128) * (9 * 4 + 39 * 8)


def test_marks_decide_which_layers_have_windows_experts_and_more_heads() -> None:
    all_full = read_config(mimo(hybrid_layer_pattern=[0] * 48)).model
    assert kv_cache_bytes_per_token(all_full) == 2 * (192 + 128) * 48 * 4
    fewer = read_config(mimo(swa_num_key_value_heads=4)).model
    assert kv_cache_bytes_per_token(fewer) == 2 * (192 + 128) * 48 * 4
    dense = read_config(mimo(moe_layer_freq=[0] * 48)).model
    assert total_parameters(dense) < 20e9
    for wrong in ([1] * 3, [2] * 48):
        with pytest.raises(InvalidInputError, match="hybrid_layer_pattern"):
            read_config(mimo(hybrid_layer_pattern=wrong))


def test_what_is_said_otherwise_is_named() -> None:
    for key, value in (("swa_head_dim", 64), ("add_full_attention_sink_bias", True)):
        assert any(key in each for each in read_config(mimo(**{key: value})).assumptions)


def test_minimax_m3_may_stand_without_its_tower() -> None:
    whole = load_catalogs().model("minimax-m3").config
    text = {**whole["text_config"], "model_type": "minimax_m3", "moe_intermediate_size": 3072}
    reading = read_config(text)
    assert reading.confidence == "exact"
    assert total_parameters(reading.model) < total_parameters(read_config(whole).model)
    assert any(
        "moe_intermediate" in each for each in read_config({**text, "moe_intermediate_size": 1}).assumptions
    )
