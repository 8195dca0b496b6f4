"""Rows that are picked out of arrays, and loops whose rows take prompts otherwise than the rest."""

from dataclasses import replace

import numpy as np
import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.core.arrays import FloatArray
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.closed_loop import steady_state
from llm_calc.core.serving.picked import picked, with_others
from llm_calc.core.serving.traffic import MANY, PERCENTILES, percentiles_of
from tests.builders import llama
from tests.core.serving.cases import rates, work

ROWS = 9


def squared(values: FloatArray) -> FloatArray:
    """What is evaluated anew, noting how many rows it was asked for."""
    SEEN.append(values.size)
    return values * values


SEEN: list[int] = []


@pytest.mark.parametrize(
    ("unlike", "asked"), [([], []), ([3], [1]), ([0, 8], [2]), (range(6), [ROWS]), (range(9), [ROWS])]
)
def test_few_rows_are_evaluated_by_themselves_and_none_of_the_others(
    unlike: list[int], asked: list[int]
) -> None:
    """More than half of them: all at once, which costs no more."""
    SEEN.clear()
    numbers = np.arange(1.0, ROWS + 1)[:, np.newaxis]
    apart = np.isin(np.arange(ROWS), list(unlike))[:, np.newaxis]
    known = np.where(apart, np.nan, numbers * numbers)
    found = with_others(known, apart, (numbers,), squared)
    assert np.array_equal(found, numbers * numbers)
    assert asked == SEEN


def test_numbers_and_other_shapes_are_evaluated_whole() -> None:
    assert with_others(1.0, np.array([False]), (2.0,), lambda one: one * one) == 1.0
    assert with_others(1.0, np.array([True]), (2.0,), lambda one: one * one) == 4.0
    wide = np.ones((4, 2))
    assert np.array_equal(with_others(wide, wide > 2, (wide,), squared), wide)
    apart = np.array([[True, False], *[[False, False]] * 3])
    assert np.array_equal(with_others(wide, apart, (2 * wide,), squared), 4 * wide)


def test_what_is_the_same_in_all_rows_stays_as_it_is() -> None:
    lengths = Lengths(input_tokens=np.array([1.0, 2.0, 3.0]), output_tokens=7.0)
    found, kept = picked((lengths, 5.0), np.array([2, 0]))
    assert found.input_tokens.tolist() == [3.0, 1.0]
    assert (found.output_tokens, found.cached_fraction, kept) == (7.0, 0.0, 5.0)


def test_rows_with_more_prompt_tokens_a_step_are_as_if_asked_alone() -> None:
    """Answers of 8 tokens: from 9 requests on each step brings more than one prompt, of the others less."""
    lengths = Lengths(input_tokens=512.0, output_tokens=8.0)
    requests = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 256.0])
    of = work(llama()), rates(), lengths
    together = steady_state(*of, requests, 4096.0)
    for row, each in enumerate(requests.tolist()):
        alone = steady_state(*of, each, 4096.0)
        for name in ("tpot_s", "prefill_s", "running"):
            assert getattr(together, name)[row] == pytest.approx(getattr(alone, name), rel=1e-12)


def test_gpus_that_are_equal_are_found_by_each_other() -> None:
    gpu = load_catalogs().gpus[0]
    assert replace(gpu) == gpu
    assert hash(replace(gpu)) == hash(gpu)
    assert replace(gpu, tdp_w=1.0) != gpu


def test_percentiles_of_many_values_are_those_of_their_order() -> None:
    values = np.random.default_rng(3).permutation(np.arange(float(10 * MANY + 1)))
    assert percentiles_of(values) == pytest.approx([MANY / 10 * each for each in PERCENTILES], rel=1e-12)
