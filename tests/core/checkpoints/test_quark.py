"""AMD Quark: what a step says is used, or named, or refused."""

from typing import Any

import pytest

from llm_calc.core.errors import InvalidInputError
from tests.core.checkpoints.test_codebooks import ENDS_7B, LINEAR_7B, LLAMA_2_7B, stored

FOUR = {"dtype": "fp4", "qscheme": "per_group", "group_size": 16, "scale_format": "float32"}
SCALE = {"dtype": "fp8_e4m3", "qscheme": "per_tensor", "is_scale_quant": True, "symmetric": True}
FP8 = {"dtype": "fp8_e4m3", "qscheme": "per_tensor"}
BLOCK = {"dtype": "int8", "qscheme": "per_block", "block_size": [128, 128]}


def quark(weight: object) -> tuple[float, tuple[str, ...]]:
    """Bytes, and what is named."""
    said = {"quant_method": "quark", "exclude": ["lm_head"], "global_quant_config": {"weight": weight}}
    size, found = stored(LLAMA_2_7B, said)
    return size, found.guesses


@pytest.mark.parametrize(
    ("first", "second", "key"),
    [
        ({"symmetric": False}, {}, "symmetric"),
        ({"scale_format": "e8m0"}, {}, "scale_format"),
        ({"group_size": 128}, {}, "group_size"),
        ({}, {"group_size": 4}, "group_size"),
        ({}, {"symmetric": False}, "symmetric"),
        ({}, {"is_scale_quant": False}, "is_scale_quant"),
    ],
)
def test_what_nvfp4_has_no_place_for_is_named(
    first: dict[str, Any], second: dict[str, Any], key: str
) -> None:
    assert quark([FOUR, SCALE])[1] == ()
    assert any(key in guess for guess in quark([{**FOUR, **first}, {**SCALE, **second}])[1])


@pytest.mark.parametrize(
    "steps",
    [
        [{**FOUR, "qscheme": "per_channel"}, SCALE],
        [FOUR, {**SCALE, "qscheme": "per_group"}],
        [{**FOUR, "group_size": -1}, SCALE],
    ],
)
def test_other_layouts_of_two_steps_are_refused(steps: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidInputError, match=r"qscheme|group_size"):
        quark(steps)


def test_blocks_that_are_not_symmetric_have_an_offset() -> None:
    # 32 bits a scale and 8 bits an offset for every 128 x 128 numbers
    blocks = 32 * (4 * 32 * 32 + 3 * 32 * 86)
    assert quark({**BLOCK, "symmetric": True})[0] == pytest.approx(LINEAR_7B + 4 * blocks + ENDS_7B)
    size, guesses = quark({**BLOCK, "symmetric": False})
    assert size == pytest.approx(LINEAR_7B + 5 * blocks + ENDS_7B)
    assert guesses == ()


@pytest.mark.parametrize(
    "weight",
    [
        {**FP8, "block_size": [128, 128]},
        {**FP8, "group_size": 64},
        {**FP8, "qscheme": "per_channel", "group_size": 64},
        {**BLOCK, "group_size": 64},
        {"dtype": "int4", "qscheme": "per_group", "group_size": 32, "block_size": [128, 128]},
        {"dtype": "fp4", "qscheme": "per_group", "group_size": 32, "symmetric": False},
        {"dtype": "fp4", "qscheme": "per_group", "group_size": 64},
    ],
)
def test_sizes_that_the_scheme_does_not_use_are_named(weight: dict[str, Any]) -> None:
    assert quark(weight)[1]


def test_activations_that_quark_quantizes_are_no_guess() -> None:
    weight = {
        "dtype": "fp4",
        "qscheme": "per_group",
        "group_size": 32,
        "scale_format": "e8m0",
        "scale_type": "float",
    }
    whole = {"weight": weight, "input_tensors": {**weight, "is_dynamic": True}}
    said = {"quant_method": "quark", "exclude": ["lm_head"], "global_quant_config": whole}
    _, found = stored(LLAMA_2_7B, said)
    assert (found.activations, found.guesses) == ("fp4", ())
