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
    with_products,
)
from llm_calc.core.memory import CacheFormat, total_parameters
from llm_calc.core.operators import step_work
from llm_calc.core.parallelism import Layout
from tests.builders import plain_recipe

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


@pytest.mark.parametrize("tensor", [1, 2])
def test_products_of_an_adapter_are_cut_where_its_matrices_are(tensor: int) -> None:
    """Rank 4: of q the second (4 x 64) is cut by heads, of o the first (64 x 4); the table's have no kernel of a layer.

    Two layers: 2 x (2 FLOP x (256 + 256 / tensor)) each, numbers of two bytes.
    """
    adapter = Adapter(rank=4, targets=("q_proj", "o_proj", "embed_tokens"))
    layout = Layout(tensor=tensor)
    works = [
        step_work(each, plain_recipe(), layout, CacheFormat()).linear
        for each in (with_products(MODEL, adapter), MODEL)
    ]
    flops, weights = (
        sum(getattr(each, name) for each in works[0]) - sum(getattr(each, name) for each in works[1])
        for name in ("flops_per_token", "weight_bytes")
    )
    elements = 2 * 2 * (256 + 256 / tensor)
    assert (flops, weights) == (2 * elements, 2 * elements)
    assert {each.name for each in works[0]} - {each.name for each in works[1]} == {"lora_products"}


def test_products_stand_in_the_layers_that_the_adapter_changes() -> None:
    """Layer 1 alone, its q at rank 2 and its v, of 16 outputs, at rank 4: 2 x (64 + 64) + 4 x (64 + 16)."""
    adapter = Adapter(
        rank=4, targets=("q_proj", "v_proj"), layers=(1,), ranks=(("layers.1.self_attn.q_proj", 2),)
    )
    found = with_products(MODEL, adapter)
    more = found.groups[len(MODEL.groups) :]
    assert [group.indices for group in more] == [(1,)]
    assert total_parameters(found) - total_parameters(MODEL) == 2 * (64 + 64) + 4 * (64 + 16)
    assert all(weight.kind == "matrix" and not weight.bias for weight in more[0].parts.weights)


def test_work_of_an_adapter_leaves_the_table_out_and_counts_the_head() -> None:
    """Rank 4 of a head of 64 x 300 in 2 FLOP each; the table of as many is looked up."""
    assert adapter_flops_per_token(MODEL, Adapter(rank=4, targets=("lm_head", "embed_tokens"))) == 2 * 4 * 364
