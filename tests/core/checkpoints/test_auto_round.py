"""AutoRound: blocks as stated, and types, widths, layouts and groups that contradict each other."""

from typing import Any

import pytest

from llm_calc.core.errors import InvalidInputError
from tests.core.checkpoints.test_codebooks import ENDS_7B, LINEAR_7B, LLAMA_2_7B, stored

FP8 = {"quant_method": "auto-round", "bits": 8, "data_type": "fp8", "act_bits": 8}
INTEGERS = {"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": True}


@pytest.mark.parametrize(
    "said", [{"group_size": [64, 64]}, {"weight_block_size": [64, 64]}, {"group_size": [64, 32]}]
)
def test_a_block_is_as_wide_as_it_is_stated(said: dict[str, Any]) -> None:
    size, found = stored(LLAMA_2_7B, {**FP8, **said})
    high, wide = next(iter(said.values()))
    assert size == pytest.approx(LINEAR_7B * (1 + 4 / (high * wide)) + ENDS_7B)
    assert f"{high} x {wide} block" in found.words
    assert found.guesses == ()


@pytest.mark.parametrize(
    "said",
    [
        {**FP8, "group_size": [64, 64], "weight_block_size": [128, 128]},
        {**FP8, "group_size": -1, "weight_block_size": [128, 128]},
        {**INTEGERS, "weight_block_size": [128, 128]},
        {**INTEGERS, "packing_format": "auto_round:fp8"},
        {**INTEGERS, "packing_format": "auto_round:nv_fp"},
        {**INTEGERS, "group_size": 100},
        {**FP8, "packing_format": "auto_round:auto_gptq"},
        {**FP8, "sym": False},
        {**INTEGERS, "data_type": "mx_fp", "group_size": 32, "packing_format": "auto_round:mx_fp8"},
        {**INTEGERS, "data_type": "mx_fp", "group_size": 16},
        {**INTEGERS, "data_type": "nv_fp", "group_size": 32},
    ],
)
def test_what_contradicts_each_other_is_named(said: dict[str, Any]) -> None:
    assert stored(LLAMA_2_7B, said)[1].guesses


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"bits": 8, "data_type": "nv_fp", "group_size": 16}, "bits"),
        ({"bits": 4, "data_type": "mx_fp8", "group_size": 32}, "bits"),
        ({"bits": 5, "data_type": "mx_fp", "group_size": 32}, "bits"),
        ({"bits": 4, "group_size": 0}, "group_size"),
        ({"bits": 8, "data_type": "fp", "group_size": [64]}, "group_size"),
    ],
)
def test_what_no_type_holds_is_refused(said: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError, match=field):
        stored(LLAMA_2_7B, {"quant_method": "auto-round", **said})
