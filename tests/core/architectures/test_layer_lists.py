"""Step, MiniMax M3 and Moshi: layers that differ by lists, as classes and as published files write them."""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.memory import CacheFormat, kv_cache_bytes_per_token, total_parameters

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "golden" / "layer_lists.json").read_text(encoding="utf-8")
)["rows"]
BY_NAME = {row["name"]: row["config"] for row in ROWS}
ELEMENT = CacheFormat(bytes_per_element=1.0)


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in ROWS])
def test_parameters_are_those_of_the_class(row: dict[str, Any]) -> None:
    reading = read_config(row["config"])
    assert reading.assumptions == ()
    assert total_parameters(reading.model) == row["parameters"]


def test_indexers_keep_keys_of_their_own() -> None:
    plain = read_config(BY_NAME["minimax_m3 defaults"]).model
    sparse = read_config(BY_NAME["minimax_m3 published spellings"]).model
    extra = kv_cache_bytes_per_token(sparse, ELEMENT) - kv_cache_bytes_per_token(plain, ELEMENT)
    assert extra == 2 * 64  # two layers with an indexer of 64 elements


def test_sliding_layers_stop_at_their_window() -> None:
    model = read_config(BY_NAME["step3p5 published spellings"]).model
    windows = sorted(cache.window or 0 for g in model.groups for cache in g.parts.caches for _ in g.indices)
    assert windows == [0, 0, 128, 128]
    assert {score.heads for g in model.groups for score in g.parts.scores} == {8, 12}


def test_moshi_is_its_causal_class_unless_the_whole_is_named() -> None:
    config = {key: value for key, value in BY_NAME["moshi defaults"].items() if key != "architectures"}
    reading = read_config(config)
    assert total_parameters(reading.model) == total_parameters(read_config(BY_NAME["moshi defaults"]).model)
    assert any("temporal decoder alone" in sentence for sentence in reading.warnings)
    whole = read_config({**config, "architectures": ["MoshiForConditionalGeneration"]})
    assert total_parameters(whole.model) > total_parameters(reading.model)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("minimax_m3 defaults", {"moe_layer_freq": [1, 1]}, "moe_layer_freq"),
        ("minimax_m3 defaults", {"layer_types": ["linear_attention"] * 4}, "layer_types"),
        (
            "minimax_m3 defaults",
            {"sparse_attention_config": {"sparse_attention_freq": [1]}},
            "sparse_attention",
        ),
        ("moshi defaults", {"ffn_dim": 4097}, "ffn_dim must be an even number"),
    ],
)
def test_lists_of_another_length_are_refused(name: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read_config({**BY_NAME[name], **changes})


@pytest.mark.parametrize("key", ["layer_types", "mlp_layer_types"])
def test_lists_of_step_have_an_entry_a_layer(key: str) -> None:
    config = BY_NAME["step3p5 defaults"]
    text = {**config["text_config"], key: ["full_attention"]}
    with pytest.raises(InvalidInputError, match=key):
        read_config({**config, "text_config": text})
