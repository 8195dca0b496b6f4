"""Decoders whose blocks were chosen by a search."""

from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core import memory
from llm_calc.core.architectures.families.searched import intermediate_width
from llm_calc.core.errors import InvalidInputError


def block(attention: dict[str, Any], feed_forward: dict[str, Any]) -> dict[str, Any]:
    return {"attention": attention, "ffn": feed_forward}


PLAIN = block({"n_heads_in_group": 4, "no_op": False}, {"ffn_mult": 2.0, "no_op": False})
CONFIG: dict[str, Any] = {
    "architectures": ["DeciLMForCausalLM"],
    "model_type": "nemotron-nas",
    "hidden_size": 1024,
    "num_attention_heads": 8,
    "num_hidden_layers": 3,
    "vocab_size": 1000,
    "intermediate_size": None,
    "num_key_value_heads": None,
    "tie_word_embeddings": False,
    "block_configs": [
        PLAIN,
        block({"no_op": True, "n_heads_in_group": None}, {"replace_with_linear": True}),
        block({"replace_with_linear": True}, {"no_op": True, "ffn_mult": None}),
    ],
}


@pytest.mark.parametrize(
    ("multiple", "width"),
    # hidden 8192: Llama-3.1-70B's own width is a multiplier of 5.25
    [(5.25, 28672), (2.625, 14336), (1.0, 5632), (0.5, 2816)],
)
def test_width_is_two_thirds_up_to_a_multiple_of_256(multiple: float, width: int) -> None:
    assert intermediate_width(8192, multiple) == width


def test_each_layer_has_what_its_block_says() -> None:
    reading = read_config(CONFIG)
    parts = memory.parameters_by_component(reading.model)
    assert reading.confidence == "exact"
    assert parts["attention"] == 1024 * (1024 + 2 * 256 + 1024) + 1024 * 1024
    assert parts["mlp"] == 3 * 1024 * intermediate_width(1024, 2.0) + 1024 * 1024
    assert parts["norms"] == (2 + 1 + 1 + 1) * 1024
    assert memory.kv_cache_bytes_per_token(reading.model) == 2 * 2 * 128 * 2


@pytest.mark.parametrize(
    "blocks",
    [
        [PLAIN],
        [PLAIN, PLAIN, 7],
        [PLAIN, PLAIN, block({"n_heads_in_group": 3}, {"ffn_mult": 1.0})],
        [PLAIN, PLAIN, block({"n_heads_in_group": 4}, {"ffn_mult": 0})],
    ],
)
def test_blocks_that_make_no_sense_are_refused(blocks: list[Any]) -> None:
    with pytest.raises(InvalidInputError, match="block_configs"):
        read_config({**CONFIG, "block_configs": blocks})


def test_an_unknown_part_of_a_block_is_flagged() -> None:
    odd = block({"n_heads_in_group": 4, "sparsify": ["q"]}, {"ffn_mult": 2.0})
    reading = read_config({**CONFIG, "block_configs": [PLAIN, PLAIN, odd]})
    assert reading.confidence == "approximate"
    assert any("sparsify" in assumption for assumption in reading.assumptions)
