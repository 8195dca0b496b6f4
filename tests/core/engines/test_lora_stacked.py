"""Adapters as peft 0.21.2 makes them, counted: fused matrices, stacked experts, recurrent layers."""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.wire.lora import LoraPart
from llm_calc.core.checkpoints.lora_config import read_adapter
from llm_calc.core.engines.lora import Adapter, adapter_elements, adapter_flops_per_token, with_products
from llm_calc.core.engines.lora_modules import modules_of
from llm_calc.core.engines.lora_names import compared
from llm_calc.core.engines.lora_stacked import as_stacked, half_of_pair
from llm_calc.core.memory import total_parameters

ASKED: list[dict[str, Any]] = json.loads(Path("tests/golden/lora_parameters.json").read_text())["adapters"]
MADE = [row for row in ASKED if row["parameters"] is not None]


def titled(row: dict[str, Any]) -> str:
    return f"{row['config']['model_type']} {row['adapter']}"


@pytest.mark.parametrize("row", MADE, ids=titled)
def test_an_adapter_has_the_parameters_that_peft_gives_it(row: dict[str, Any]) -> None:
    model = read_config(row["config"]).model
    adapter, _ = read_adapter(LoraPart(adapter_config={"r": 4, **row["adapter"]}))
    assert adapter_elements(model, as_stacked(model, adapter)) == row["parameters"]
    assert compared(model.model_type)


def config_of(model_type: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row["config"] for row in ASKED if row["config"]["model_type"] == model_type)
    return found


def test_the_one_of_gate_and_up_that_is_missing_is_told() -> None:
    model = read_config(config_of("mixtral")).model
    assert half_of_pair(model, Adapter(rank=4, targets=("w3", "w2"))) == ("w3", "w1")
    assert half_of_pair(model, Adapter(rank=4, targets=("w1", "w3"))) is None
    assert half_of_pair(model, Adapter(rank=4, targets=("w2",))) is None


def test_matrices_that_a_class_joins_are_one() -> None:
    """Phi-3 of width 64, 4 heads of 16 and 2 of the cache: 64 + 2 x 32 outputs, and 2 x 96."""
    model = read_config(config_of("phi3")).model
    shapes = {
        each.name: (each.weight.rows, each.weight.cols) for each in modules_of(model) if each.layer == 0
    }
    assert shapes["model.layers.0.self_attn.qkv_proj"] == (64, 128)
    assert shapes["model.layers.0.mlp.gate_up_proj"] == (64, 192)
    assert len(shapes) == 4


def test_a_token_passes_through_the_adapters_of_its_experts_alone() -> None:
    """2 of 8 experts, 2 layers: twice rank x (inputs + outputs) of down, and of gate and up with twice the rank."""
    model = read_config(config_of("qwen3_moe")).model
    adapter = as_stacked(model, Adapter(rank=4, targets=("gate_proj", "up_proj", "down_proj")))
    one_expert = 4 * (64 + 128) + 8 * (128 + 2 * 64)
    assert adapter_flops_per_token(model, adapter) == 2 * 2 * 2 * one_expert
    grown = total_parameters(with_products(model, adapter)) - total_parameters(model)
    assert grown == 2 * 8 * one_expert
