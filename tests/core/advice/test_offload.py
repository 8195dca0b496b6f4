"""The largest number that works, found by halves: every threshold of every range up to nine."""

import pytest

from llm_calc.core.advice.offload import most


@pytest.mark.parametrize("high", range(10))
def test_the_largest_that_works_whatever_it_is(high: int) -> None:
    for threshold in range(high + 3):
        asked: list[int] = []

        def works(count: int, threshold: int = threshold, asked: list[int] = asked) -> bool:
            asked.append(count)
            return count <= threshold

        assert most(high, works) == min(threshold, high)
        assert all(1 <= count <= high for count in asked)
        assert len(asked) <= high.bit_length()  # each answer halves what is left
