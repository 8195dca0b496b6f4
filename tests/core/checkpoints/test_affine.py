"""Integers without calibration: what modules of HQQ, Quanto and SINQ hold beside those of the golden files."""

from typing import Any

import pytest

from llm_calc.core.errors import InvalidInputError
from tests.core.checkpoints.test_codebooks import LLAMA_2_7B, stored

SMALL: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 512,
    "intermediate_size": 1408,
    "num_hidden_layers": 1,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
    "vocab_size": 1000,
    "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}
BESIDE = 2 * (2 * 1000 * 512 + 3 * 512)
"""Embedding, head and norms in 16 bits [bytes]."""
SKIP_ATTENTION = [f"self_attn.{each}_proj" for each in "qkvo"]
DOWN = 2 * (2 * 512 * 1408 + 4 * 512 * 512)
"""All but the down projection in 16 bits [bytes]."""


def hqq(weights: dict[str, Any] | None = None, **more: object) -> dict[str, Any]:
    """What HQQ writes of one kind of numbers."""
    params = {"nbits": 4, "group_size": 64, "axis": 1, **(weights or {})}
    return {"quant_method": "hqq", "quant_config": {"weight_quant_params": params}, **more}


@pytest.mark.parametrize(
    ("weights", "down_bytes"),
    [
        # hqq 0.2.8.post1, HQQLinear of 1408 inputs and 512 outputs in bfloat16: bytes of its state; 2026-11-30, run.
        ({"nbits": 8}, 766021),
        ({"nbits": 4}, 405573),
        ({"nbits": 3}, 333637),
        ({"nbits": 2}, 225349),
        ({"nbits": 1}, 135237),
        ({"group_size": None}, 362565),
        ({"axis": 0}, 405573),
        ({"group_size": None, "axis": 0}, 366149),
        ({"view_as_float": True}, 405573),
    ],
)
def test_a_matrix_of_hqq_holds_what_its_module_holds(weights: dict[str, Any], down_bytes: int) -> None:
    config = {"down_proj": hqq(weights)["quant_config"]}
    said = {
        "quant_method": "hqq",
        "quant_config": {"mlp.down_proj": config["down_proj"]},
        "skip_modules": ["lm_head"],
    }
    size, found = stored(SMALL, said)
    # Rows of three bits end in a word that is begun: 0.1 % of a matrix as small as this one.
    assert size == pytest.approx(BESIDE + DOWN + down_bytes, rel=2e-4)
    assert found.guesses == ()


def test_tags_of_hqq_are_compared_whole() -> None:
    usual, _ = stored(SMALL, hqq(skip_modules=["lm_head"]))
    assert stored(SMALL, hqq())[0] == usual
    without, found = stored(SMALL, hqq(skip_modules=["lm_head", *SKIP_ATTENTION]))
    assert without - usual == pytest.approx(4 * 512 * 512 * (16 - 4.5) / 8 - 4 * 69)
    assert found.guesses == ()
    head, found = stored(SMALL, hqq(skip_modules=["mlp"]))
    assert head - usual == pytest.approx(-1000 * 512 * (16 - 4.5) / 8 + 69)
    assert any("'mlp'" in guess for guess in found.guesses)


def test_quanto_takes_a_smaller_group_where_128_does_not_divide() -> None:
    # 416 = 4 x 104 inputs: of 128, 96, 64 and 32 only the last divides; 832 too. 288 = 3 x 96.
    for width, group in ((416, 32), (288, 96), (200, 0)):
        config = {**SMALL, "intermediate_size": width}
        said = {
            "quant_method": "quanto",
            "weights": "int4",
            "modules_to_not_convert": ["lm_head"],
        }
        size, found = stored({**config, "transformers_version": "5.24.0"}, said)
        bits = (4 + 32 / 128) * (2 * 512 * width + 4 * 512 * 512)
        down = 512 * width * 4 + (512 * width * 32 / group if group else 512 * 32)
        assert size == pytest.approx(BESIDE + (bits + down) / 8 + 7 * 8)
        assert found.guesses == ()


def test_sinq_takes_the_head_unless_it_is_named() -> None:
    said = {"quant_method": "sinq", "nbits": 4, "group_size": 64}
    size, _ = stored({**LLAMA_2_7B, "transformers_version": "5.24.0"}, said)
    kept, _ = stored(
        {**LLAMA_2_7B, "transformers_version": "5.24.0"}, {**said, "modules_to_not_convert": ["lm_head"]}
    )
    head = 32000 * 4096
    assert kept - size == pytest.approx(head * (16 - 4 - 17 / 64) / 8 - 2 * 4096 - 4)
    with pytest.raises(InvalidInputError, match="nbits"):
        stored(LLAMA_2_7B, {**said, "nbits": 6})
    assert any("asinq" in guess for guess in stored(LLAMA_2_7B, {**said, "method": "asinq"})[1].guesses)


@pytest.mark.parametrize("size", [100, 0, -1, 4])
def test_groups_that_hqq_does_not_make_are_refused(size: int) -> None:
    # hqq 0.2.8.post1, hqq_base_quant_config: multiples of eight
    with pytest.raises(InvalidInputError, match="group_size"):
        stored(
            SMALL,
            {
                "quant_method": "hqq",
                "quant_config": {"weight_quant_params": {"nbits": 3, "group_size": size}},
            },
        )
    odd = {"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 24}}}
    assert any("ends of rows" in guess for guess in stored(SMALL, odd)[1].guesses)
