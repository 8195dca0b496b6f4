"""DiffusionGemma against counts of the class of transformers 5.24.0 (meta device, torch 2.13.0)."""

from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.memory import total_parameters

SMALL = {
    "num_experts": 16,
    "top_k_experts": 4,
    "moe_intermediate_size": 704,
    "num_hidden_layers": 7,
    "hidden_size": 1024,
}
LARGE = {
    "num_experts": 128,
    "top_k_experts": 8,
    "moe_intermediate_size": 704,
    "hidden_size": 2816,
    "intermediate_size": 2112,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "num_global_key_value_heads": 2,
}
MIXED = ["full_attention", "sliding_attention"] * 3 + ["sliding_attention"]


def config(text: dict[str, Any], layers: int) -> dict[str, Any]:
    vision = {"model_type": "gemma4_vision", "num_hidden_layers": layers}
    return {"model_type": "diffusion_gemma", "text_config": text, "vision_config": vision}


@pytest.mark.parametrize(
    ("text", "layers", "counted"),
    [
        (SMALL, 2, 825742192),
        (LARGE, 16, 25420514048),
        ({**SMALL, "num_global_key_value_heads": 1}, 2, 822596464),
        ({**SMALL, "global_head_dim": 128}, 2, 810012016),
        ({**SMALL, "layer_types": MIXED}, 2, 834131824),
    ],
)
def test_one_stack_and_what_takes_the_last_guess_in(text: dict[str, Any], layers: int, counted: int) -> None:
    found = read_config(config(text, layers))
    assert total_parameters(found.model) == counted
    assert [sentence for sentence in found.assumptions if "in several passes" in sentence]
    assert len(found.assumptions) == 1


def test_what_the_ties_leave_apart_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="attention_bias"):
        read_config(config({**SMALL, "attention_bias": True}, 2))
    with pytest.raises(InvalidInputError, match="tie_word_embeddings"):
        read_config({**config(SMALL, 2), "tie_word_embeddings": False})
