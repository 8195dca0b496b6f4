"""A checkpoint's index as evidence of its size."""

import pytest

from llm_calc.core.checkpoints.safetensors_index import index_notes, total_size_bytes
from llm_calc.core.errors import InvalidInputError
from tests.builders import llama, plain_recipe

LLAMA2_7B_BYTES = 2 * 6_738_415_616


@pytest.mark.parametrize("size", [LLAMA2_7B_BYTES, float(LLAMA2_7B_BYTES), LLAMA2_7B_BYTES + 4096])
def test_the_right_size_is_no_news(size: float) -> None:
    assert index_notes({"metadata": {"total_size": size}, "weight_map": {}}, llama(), plain_recipe()) == ()


def test_a_wrong_size_is_told() -> None:
    (note,) = index_notes({"metadata": {"total_size": LLAMA2_7B_BYTES // 2}}, llama(), plain_recipe())
    assert "+100.00%" in note
    assert "6738415616 parameters as bf16" in note


@pytest.mark.parametrize(
    "index", [{}, {"metadata": 1}, {"metadata": {"total_size": "big"}}, {"metadata": {"total_size": True}}]
)
def test_an_index_without_a_size_is_refused(index: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError, match=r"safetensors_index\.metadata\.total_size"):
        total_size_bytes(index)
