"""Types that engines alone have a class for, against counts on those classes."""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.memory import layer_caches, total_parameters

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "golden" / "engine_classes.json").read_text(encoding="utf-8")
)["rows"]
BY_NAME = {row["name"]: row for row in ROWS}


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in ROWS])
def test_parameters_and_caches_are_those_of_the_class(row: dict[str, Any]) -> None:
    reading = read_config(row["config"])
    assert (reading.confidence, list(reading.assumptions)) == ("exact", [])
    assert total_parameters(reading.model) == row["parameters"]
    held = layer_caches(reading.model)
    assert sum(layers for _, layers in held) == row.get("caches", row["config"]["num_hidden_layers"])
    if "windows" in row:
        assert sum(layers for cache, layers in held if cache.window) == row["windows"]


@pytest.mark.parametrize(
    ("name", "option", "named"),
    [
        ("nanbeige4.2-3b", {"loop_share_kv": True}, "loop_share_kv"),
        ("nanbeige4.2-3b", {"loop_loss_weights": [0.5, 0.5]}, "loop_loss_weights"),
        ("spark-x2.5-1.7b", {"attention_bias": True}, "attention_bias"),
        ("spark-x2.5-1.7b", {"tie_word_embeddings": None}, "tie_word_embeddings"),
        ("iquest_q1, no windows", {"use_over_encoding": True}, "use_over_encoding"),
        ("iquest_q1, no windows", {"layer_types": ["sliding_attention"] * 3}, "layer_types"),
    ],
)
def test_what_a_class_passes_by_or_cannot_do_is_named(name: str, option: dict[str, Any], named: str) -> None:
    reading = read_config({**BY_NAME[name]["config"], **option})
    assert reading.confidence == "approximate"
    assert any(named in sentence for sentence in reading.assumptions)


def test_files_that_say_no_sizes_are_what_the_classes_take() -> None:
    counted = BY_NAME["iquest_q1, the defaults of its class"]["parameters"]
    assert total_parameters(read_config({"model_type": "iquest_q1"}).model) == counted
