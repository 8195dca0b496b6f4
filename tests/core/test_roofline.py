"""How memory and arithmetic of an operator overlap, by hand."""

import numpy as np
import pytest

from llm_calc.core.roofline import cube_root, overlapped


def test_equal_times_take_the_cube_root_of_two_of_one() -> None:
    """(1 + 1)^(1/3) = 1.26; (27 + 64 x 27)^(1/3) of 3 and 12 s: the longer hardly grows."""
    assert overlapped(1.0, 1.0) == pytest.approx(2 ** (1 / 3))
    assert overlapped(3.0, 12.0) == pytest.approx((27 + 1728) ** (1 / 3))
    assert overlapped(5.0, 0.0) == pytest.approx(5.0)


def test_other_exponents() -> None:
    """1 adds both (llama.cpp), 2 is Pythagoras' rule, a large one leaves the larger alone."""
    assert overlapped(3.0, 4.0, 1.0) == 7.0
    assert overlapped(3.0, 4.0, 2.0) == pytest.approx(5.0)
    assert overlapped(3.0, 4.0, 200.0) == pytest.approx(4.0)


def test_rows_are_as_single_ones() -> None:
    memory, compute = np.array([1.0, 3.0]), np.array([1.0, 12.0])
    for exponent in (1.0, 2.0, 3.0):
        rows = overlapped(memory, compute, exponent)
        assert rows == pytest.approx(
            [overlapped(*each, exponent) for each in zip(memory.tolist(), compute.tolist(), strict=True)]
        )
    assert cube_root(np.array([8.0, 27.0])) == pytest.approx([2.0, 3.0])
    assert cube_root(1e-9) == pytest.approx(1e-3)
