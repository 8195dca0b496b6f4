"""Flat overheads of the documented estimate, and what one of several GPUs holds, by hand."""

import pytest

from llm_calc.core.footprint import Footprint, Overheads, Split, gpu_footprint
from llm_calc.core.parallelism import Layout
from tests.builders import INT4, llama, plain_numbers

PARTS = Footprint(weights_bytes=100.0, kv_cache_bytes=40.0, activations_bytes=10.0)


def test_each_part_has_its_factor_and_all_of_them_one_more() -> None:
    factors = Overheads(weights=1.1, kv_cache=1.5, activations=2.0, system=1.2)
    assert PARTS.total_bytes == 150.0
    found = PARTS.with_overheads(factors)
    assert (found.weights_bytes, found.kv_cache_bytes, found.activations_bytes) == pytest.approx(
        (110.0, 60.0, 20.0)
    )
    assert PARTS.system_bytes(factors) == pytest.approx(1.2 * 190.0)


def test_the_documented_factors() -> None:
    """1.05, 1.05, 1.1 and 1.05 of the API's description."""
    assert PARTS.system_bytes(Overheads()) == pytest.approx((105.0 + 42.0 + 11.0) * 1.05)


def test_gpus_of_a_split() -> None:
    assert Split(layout=Layout(tensor=2, pipeline=3, data=4), sequence=5).gpus == 120


def test_tokens_and_sequences_are_dealt_in_whole_ones() -> None:
    """Of 10 tokens over 4 GPUs 3 on the fullest, of 5 sequences over 2 groups 3."""
    model, numbers = llama(), plain_numbers()
    parts = gpu_footprint(model, numbers, Split(sequence=4), 1, 10)
    assert parts.kv_cache_bytes == 3 * 32 * 2 * 4096 * 2
    spread = gpu_footprint(model, numbers, Split(layout=Layout(data=2)), 5, 10)
    whole = gpu_footprint(model, numbers, Split(), 3, 10)
    assert spread.activations_bytes == whole.activations_bytes


def test_values_may_have_a_format_of_their_own() -> None:
    """Keys in 16 bits, values in 4 and (16 + 4) / 128 more: half of both for each element."""
    numbers = plain_numbers()
    both = type(numbers)(
        recipe=numbers.recipe, cache=numbers.cache, activations=numbers.activations, values=INT4
    )
    assert both.cache_format.bytes_per_element == pytest.approx((16 + 4 + 20 / 128) / 2 / 8)
    assert both.cache_format.state_bytes_per_element == 2.0
