"""What GigaChat 3.5's options change, beside the row that is counted by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.memory import layer_caches, total_parameters

CONFIG: dict[str, Any] = next(
    row["config"]
    for row in json.loads(
        (Path(__file__).parents[2] / "golden" / "by_hand.json").read_text(encoding="utf-8")
    )["rows"]
    if row["config"]["model_type"] == "gigachat3_5"
)
WHOLE = total_parameters(read_config(CONFIG).model)


@pytest.mark.parametrize(
    ("option", "fewer"),
    [
        # 2 x (1280 + 32 x 1280) in each of 12 layers
        ({"layernorm_type": "pre"}, 12 * 2 * 33 * 1280),
        # 32 x 1280 of 4 norms of 12 layers and of the final one; 32 x 2048 in 3 layers
        ({"norm_type": "LlamaRMSNorm"}, 49 * 32 * 1280 + 3 * 32 * 2048),
        # 1280 x 16 x 128 in 3 layers
        ({"gated_attention": False}, 3 * 1280 * 2048),
        ({"full_attention_layers": None, "layer_types": (["linear_attention"] * 3 + ["attention"]) * 3}, 0),
    ],
)
def test_parts_that_are_left_out(option: dict[str, Any], fewer: int) -> None:
    assert total_parameters(read_config({**CONFIG, **option}).model) == WHOLE - fewer


def test_it_says_that_no_class_was_counted_and_keeps_latents_in_the_layers_named() -> None:
    reading = read_config(CONFIG)
    assert reading.confidence == "approximate"
    assert any("SGLang 0.5.23" in sentence for sentence in reading.assumptions)
    latent = [(cache, layers) for cache, layers in layer_caches(reading.model) if cache.kind == "latent"]
    assert sum(layers * cache.elements_per_token for cache, layers in latent) == 3 * (512 + 64)


def test_layers_that_are_not_there_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="full_attention_layers"):
        read_config({**CONFIG, "full_attention_layers": [12]})
