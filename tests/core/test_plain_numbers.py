"""The documented formats: one width for everything."""

import pytest

from llm_calc.core.errors import InvalidInputError
from llm_calc.core.plain_numbers import precision_warnings, uniform_numbers
from tests.builders import llama


@pytest.mark.parametrize(
    ("precision", "bytes_each"),
    [("fp32", 4.0), ("fp16", 2.0), ("bf16", 2.0), ("fp8", 1.0), ("int8", 1.0), ("int4", 0.5), ("INT4", 0.5)],
)
def test_a_format_is_as_wide_as_its_name_says_everywhere(precision: str, bytes_each: float) -> None:
    """8 bits to the byte, without scales: of weights, vectors, cache and activations alike."""
    numbers = uniform_numbers(precision)
    recipe = numbers.recipe
    assert recipe.vectors is not None
    for found in (recipe.default, recipe.vectors, numbers.cache, numbers.activations):
        assert found is not None
        assert found.bits_per_element / 8 == bytes_each
        assert found.compute == precision.lower()
    (placed, *_) = llama().placed
    assert recipe.format_of(placed.weight, 0).bits_per_element == 8 * bytes_each


def test_what_engines_do_not_apply_to_everything_is_said() -> None:
    assert [bool(precision_warnings(name)) for name in ("fp32", "fp16", "bf16", "fp8", "INT8", "int4")] == [
        False,
        False,
        False,
        True,
        True,
        True,
    ]


def test_an_unknown_format_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(InvalidInputError, match="fp32, fp16, bf16, fp8, int8, int4") as refused:
        uniform_numbers("fp17")
    assert refused.value.field == "precision"
