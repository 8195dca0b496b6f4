"""One formula for numbers and arrays: the few helpers where the two differ."""

import math

import numpy as np
import pytest

from llm_calc.core.arrays import ceil_div, is_array, is_number, larger, rounded, smaller, where


@pytest.mark.parametrize(
    ("above", "below", "whole"), [(7, 2, 4), (8, 2, 4), (1, 100, 1), (0, 3, 0), (7.5, 2.5, 3)]
)
def test_the_least_whole_number_not_below_a_ratio(above: float, below: float, whole: float) -> None:
    assert ceil_div(above, below) == whole
    assert np.asarray(ceil_div(np.array([above, above]), below)).tolist() == [whole, whole]
    assert np.asarray(ceil_div(above, np.array([below, 2 * below]))).tolist() == [
        whole,
        math.ceil(above / below / 2),
    ]


def test_whole_numbers_are_exact() -> None:
    """10^18 + 1 is no float."""
    assert ceil_div(2 * 10**18 + 1, 2) == 10**18 + 1


def test_of_two_nearest_the_even_one() -> None:
    assert [rounded(value) for value in (0.5, 1.5, 2.4, 2.6)] == [0.0, 2.0, 2.0, 3.0]
    assert np.asarray(rounded(np.array([0.5, 1.5, 2.4, 2.6]))).tolist() == [0.0, 2.0, 2.0, 3.0]


def test_the_larger_and_the_smaller() -> None:
    assert (larger(2, 3), smaller(2, 3), larger(3, 2), smaller(3, 2)) == (3, 2, 3, 2)
    assert (larger(np.float64(2), 3), smaller(np.float64(2), 3)) == (3, 2)
    rows = np.array([1.0, 5.0])
    assert np.asarray(larger(rows, 3)).tolist() == [3.0, 5.0]
    assert np.asarray(smaller(3, rows)).tolist() == [1.0, 3.0]


def test_one_or_the_other() -> None:
    rows = np.array([1.0, 5.0])
    assert [where(True, 1, 2), where(False, 1, 2)] == [1, 2]
    assert np.asarray(where(rows > 2, rows, 0)).tolist() == [0.0, 5.0]
    assert np.asarray(where(rows < 0, rows, -rows)).tolist() == [-1.0, -5.0]
    assert np.asarray(where(rows > 2, 1, 0)).dtype == np.float64


def test_what_is_a_number() -> None:
    assert [is_number(value) for value in (1, 1.5, np.float64(2), np.array(3.0), np.array([3.0]))] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [is_array(1), is_array(1, np.array([2.0])), is_array(np.array([2.0]), 1)] == [False, True, True]
