"""A table of three points, (1, 10), (3, 20) and (7, 24): slopes of 5 and of 1."""

import numpy as np
import pytest

from llm_calc.core.serving.table import Table

TABLE = Table(np.array([1.0, 3.0, 7.0]), np.array([10.0, 20.0, 24.0]))


@pytest.mark.parametrize(
    ("count", "value"),
    [
        (0.0, 5.0),  # before the grid the first slope goes on
        (1.0, 10.0),
        (2.0, 15.0),
        (2.9, 19.5),
        (3.0, 20.0),
        (3.5, 20.5),
        (7.0, 24.0),
        (9.0, 26.0),  # and behind it the last
    ],
)
def test_between_points_and_beyond_them(count: float, value: float) -> None:
    assert TABLE.at(count) == pytest.approx(value)
    assert TABLE.at(count) == pytest.approx(value)  # a second look is the same
    assert TABLE.of(np.array([count])) == pytest.approx([value])
