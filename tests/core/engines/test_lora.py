"""Adapters: what peft 0.21.2 counts of one, and what vLLM and SGLang reserve."""

from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.engines.lora import (
    Adapter,
    Reserve,
    adapter_elements,
    adapter_flops_per_token,
    with_buffers,
)
from llm_calc.core.memory import total_parameters
from llm_calc.core.parallelism import Layout

SMALL: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 300,
    "tie_word_embeddings": False,
    "max_position_embeddings": 128,
}
MODEL = read_config(SMALL).model
RANKS = (("down_proj", 8), ("layers.1.self_attn.q_proj", 2))

COUNTS: list[tuple[dict[str, Any], int]] = [
    ({"targets": ("q_proj", "v_proj")}, 1664),
    ({"targets": "all-linear"}, 8704),
    ({"targets": ("q_proj", "down_proj"), "ranks": RANKS}, 4352),
    ({"targets": ("q_proj",), "saved": ("lm_head",)}, 20224),
    ({"targets": ("q_proj",), "saved": ("lm_head", "embed_tokens")}, 39424),
    ({"targets": ("q_proj",), "magnitudes": True}, 1152),
    ({"targets": ("q_proj",), "layers": (1,)}, 512),
    ({"targets": ("q_proj", "embed_tokens", "lm_head")}, 3936),
    ({"targets": r".*\.1\.(self_attn|mlp)\.(q_proj|up_proj)"}, 1408),
    ({"targets": ("q_proj", "o_proj"), "excluded": ("q_proj",)}, 1024),
    ({"targets": ("q_proj", "o_proj"), "excluded": "q_proj"}, 2048),
    ({"targets": ("q_proj", "o_proj"), "excluded": r".*q_proj"}, 1024),
    ({"targets": ("q_proj", "lm_head"), "layers": (1,)}, 1968),
    ({"targets": ("q_proj",), "layers": (1,), "stacks": ("layers",)}, 512),
    ({"targets": ("q_proj",), "layers": (1,), "stacks": ("h",)}, 0),
    ({"targets": ("q_proj",), "saved": ("mlp",)}, 62464),
]
"""Rank 4 throughout; trainable parameters as peft 0.21.2 makes them of transformers 5.24.0's class."""


@pytest.mark.parametrize(("fields", "parameters"), COUNTS)
def test_an_adapter_has_what_peft_gives_it(fields: dict[str, Any], parameters: int) -> None:
    assert adapter_elements(MODEL, Adapter(rank=4, **fields)) == parameters


def test_each_matrix_of_an_adapter_is_multiplied_once_a_token() -> None:
    adapter = Adapter(rank=4, targets=("q_proj", "v_proj"))
    assert adapter_flops_per_token(MODEL, adapter) == 2 * 1664


@pytest.mark.parametrize("tensor", [1, 2])
def test_buffers_hold_every_place_at_the_largest_rank(tensor: int) -> None:
    """vLLM: A whole and B cut of q, k, v, gate, up; A cut and B whole of o, down; table and head whole."""
    columns = sum(64 + out // tensor for out in (64, 16, 16, 160, 160))
    rows = (64 // tensor + 64) + (160 // tensor + 64)
    ends = 2 * (64 + 300)
    reserve = Reserve(slots=3, rank=16, ends=("embed_tokens", "lm_head"))
    found = with_buffers(MODEL, Layout(tensor=tensor), reserve)
    assert total_parameters(found) - total_parameters(MODEL) == 3 * 16 * (2 * (columns + rows) + ends)


def test_only_what_adapters_change_is_reserved_where_an_engine_asks_for_it() -> None:
    reserve = Reserve(slots=2, rank=8, names=frozenset({"q_proj"}))
    found = with_buffers(MODEL, Layout(), reserve)
    assert total_parameters(found) - total_parameters(MODEL) == 2 * 8 * 2 * (64 + 64)
