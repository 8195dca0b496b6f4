"""Rarer quantizers: what their modules hold, by hand, and by the sizes of published files."""

from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.formats import CheckpointFormat, recipe_from_quantization_config
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.memory import weights_bytes

LLAMA_2_7B: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "vocab_size": 32000,
    "torch_dtype": "float16",
    "tie_word_embeddings": False,
}
BITNET: dict[str, Any] = {
    "model_type": "bitnet",
    "hidden_size": 2560,
    "intermediate_size": 6912,
    "num_hidden_layers": 30,
    "num_attention_heads": 20,
    "num_key_value_heads": 5,
    "vocab_size": 128256,
    "torch_dtype": "bfloat16",
    "hidden_act": "relu2",
    "tie_word_embeddings": True,
}
ROWS_7B = 32 * (4 * 4096 + 2 * 11008 + 4096)
"""Rows of all linear matrices: four of attention, gate and up, down."""
LINEAR_7B = 32 * (4 * 4096**2 + 3 * 4096 * 11008)
ENDS_7B = 2 * 2 * 32000 * 4096 + 2 * 4096 * 65
"""Embedding and head in 16 bits, and 65 norms [bytes]."""


def stored(config: dict[str, Any], quantization: dict[str, Any]) -> tuple[float, CheckpointFormat]:
    """Bytes of the weights and what was read."""
    reading = read_config({**config, "quantization_config": quantization})
    assert reading.quantization is not None
    found = recipe_from_quantization_config(reading.quantization, reading.model)
    return weights_bytes(reading.model, found.recipe), found


@pytest.mark.parametrize(
    ("quantization", "size_bytes"),
    [
        ({"quant_method": "eetq", "weights": "int8"}, LINEAR_7B + 2 * ROWS_7B + ENDS_7B),
        ({"quant_method": "mxfp8", "weight_block_size": [1, 32]}, LINEAR_7B * 33 // 32 + ENDS_7B),
        # 3 bits, 16 a group of 256, tables of 8 and of 8 x 8 x 2 numbers in each of 7 x 32 matrices
        (
            {"quant_method": "higgs", "bits": 3, "group_size": 256},
            LINEAR_7B * 3 // 8 + LINEAR_7B // 128 + 224 * 2 * (8 + 128) + ENDS_7B,
        ),
        ({"quant_method": "bitnet", "linear_class": "bitlinear"}, LINEAR_7B // 4 + 2 * 224 + ENDS_7B),
    ],
    ids=lambda value: value["quant_method"] if isinstance(value, dict) else "",
)
def test_bytes_are_those_of_the_buffers_of_every_module(
    quantization: dict[str, Any], size_bytes: int
) -> None:
    found, said = stored(LLAMA_2_7B, quantization)
    assert found == pytest.approx(size_bytes, rel=1e-9)
    assert said.guesses == ()


LLAMA_2_13B = {
    **LLAMA_2_7B,
    "hidden_size": 5120,
    "intermediate_size": 13824,
    "num_hidden_layers": 40,
    "num_attention_heads": 40,
    "num_key_value_heads": 40,
}


@pytest.mark.parametrize(
    ("config", "books", "bits", "size_gb", "digits"),
    [
        (LLAMA_2_7B, 1, 16, 2.4, 1),
        (LLAMA_2_7B, 1, 8, 1.34, 2),
        (LLAMA_2_13B, 1, 16, 4.1, 1),
        (LLAMA_2_13B, 2, 8, 3.8, 1),
    ],
)
def test_published_files_of_aqlm_are_as_large(
    config: dict[str, Any], books: int, bits: int, size_gb: float, digits: int
) -> None:
    # https://github.com/Vahe1994/AQLM, README.md: sizes in GB as it rounds them; checked: 2026-11-30.
    said = {"in_group_size": 8, "num_codebooks": books, "nbits_per_codebook": bits}
    size, found = stored(config, {"quant_method": "aqlm", **said})
    assert round(size / 1e9, digits) == size_gb
    assert found.guesses == ()


def test_ternary_weights_lie_four_a_byte() -> None:
    said = {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline"}
    size, _ = stored(BITNET, said)
    linear = 30 * (2560 * (2560 + 2 * 640) + 2560 * 2560 + 3 * 2560 * 6912)
    norms = 30 * (3 * 2560 + 6912) + 2560
    assert size == pytest.approx(linear / 4 + 2 * 30 * 7 + 2 * (128256 * 2560 + norms), rel=1e-9)


def test_weights_that_are_quantized_when_used_are_stored_whole() -> None:
    said = {"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "online"}
    whole = weights_bytes(read_config(BITNET).model, stored(BITNET, said)[1].recipe)
    assert whole == 2 * sum(
        placed.weight.params * placed.stored for placed in read_config(BITNET).model.placed
    )


def test_files_of_exllama_are_a_mean_and_say_so() -> None:
    size, said = stored(LLAMA_2_7B, {"quant_method": "exl3", "bits": 4.0, "head_bits": 6, "codebook": "mcg"})
    # 16 bits a row and a column of every matrix; the head in 6 bits
    columns = 32 * (6 * 4096 + 11008)
    head = 32000 * 4096 * 6 / 8 + 2 * (32000 + 4096)
    embedding = 2 * 32000 * 4096 + 2 * 4096 * 65
    assert size == pytest.approx(LINEAR_7B / 2 + 2 * (ROWS_7B + columns) + head + embedding, rel=1e-9)
    assert any("mean" in guess for guess in said.guesses)
    with pytest.raises(InvalidInputError, match="bits"):
        stored(LLAMA_2_7B, {"quant_method": "exl3", "bits": "four"})
