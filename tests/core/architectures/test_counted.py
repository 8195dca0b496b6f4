"""Small configurations that swap parts, drop keys or set rare options, against counts on the real classes."""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.memory import layer_caches, total_parameters

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "golden" / "counted.json").read_text(encoding="utf-8")
)["rows"]


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in ROWS])
def test_parameters_are_those_of_the_class(row: dict[str, Any]) -> None:
    assert total_parameters(read_config(row["config"]).model) == row["parameters"]


BY_NAME = {row["name"]: row for row in ROWS}
SPEAKING = [
    ("qwen2_5_omni, the whole", "qwen2_5_omni, silent"),
    ("qwen3_omni_moe, the whole", "qwen3_omni_moe, silent"),
]


@pytest.mark.parametrize(("whole", "silent"), SPEAKING)
def test_what_speaks_is_counted_and_said(whole: str, silent: str) -> None:
    reading = read_config(BY_NAME[whole]["config"])
    assert reading.confidence == "exact"
    (said,) = (sentence for sentence in reading.warnings if "talker's" in sentence)
    numbers = [int(word.replace(",", "")) for word in said.split() if word.replace(",", "").isdigit()]
    assert sum(numbers) == BY_NAME[whole]["parameters"] - BY_NAME[silent]["parameters"]


def test_xlnet_keeps_hidden_states_of_so_many_tokens() -> None:
    model = read_config(BY_NAME["xlnet"]["config"]).model
    assert [(cache.elements_per_token, cache.window, layers) for cache, layers in layer_caches(model)] == [
        (64, 512, 2)
    ]
    without = read_config(BY_NAME["xlnet, not tied"]["config"]).model
    assert layer_caches(without) == ()


def test_text_meets_the_gated_layers_of_idefics_but_for_keys_and_values() -> None:
    """Two layers of five have a gated one before them (every second, as many as there are whole pairs)."""
    model = read_config(BY_NAME["idefics"]["config"]).model
    across = [g for g in model.groups if any(w.used == 0 for w in g.parts.weights)]
    assert [index for g in across for index in g.indices] == [0, 2]
    idle = {(w.name, w.rows, w.cols) for g in across for w in g.parts.weights if not w.used}
    assert idle == {("k_proj", 32, 64), ("v_proj", 32, 64)}


@pytest.mark.parametrize(
    "option", [{"kv_n_heads": 2}, {"attn_type": "multiquery_attention"}, {"qk_ln": True}]
)
def test_options_of_mpt_that_its_class_passes_by_are_named(option: dict[str, object]) -> None:
    plain = {"model_type": "mpt", "d_model": 128, "n_heads": 16, "n_layers": 1, "vocab_size": 100}
    reading = read_config({**plain, "attn_config": option})
    assert total_parameters(reading.model) == total_parameters(read_config(plain).model)
    assert reading.confidence == "approximate"
    assert any(next(iter(option)) in sentence for sentence in reading.assumptions)
