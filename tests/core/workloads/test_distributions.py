"""Distributions as quantiles: their means, their quantiles, their cuts."""

from math import exp, log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.workloads.distributions import exponential, histogram, lognormal, normal, uniform


def test_a_lognormal_has_its_mean_and_its_median() -> None:
    """Median ``mean / sqrt(1 + (std / mean)^2)``."""
    draw = lognormal(1000.0, 800.0)
    assert draw.at(0.5) == pytest.approx(1000 / sqrt(1 + 0.64), rel=1e-9)
    assert draw.mean == pytest.approx(1000.0, rel=0.01)
    sigma = sqrt(log(1.64))
    assert draw.at(0.99) == pytest.approx(exp(log(1000) - sigma**2 / 2 + 2.3263478740 * sigma), rel=1e-6)


def test_a_normal_has_its_quantiles_and_is_cut() -> None:
    draw = normal(100.0, 50.0, low=20.0, high=150.0)
    assert draw.at(0.5) == 100.0
    assert (draw.at(0.0), draw.at(1.0)) == (20.0, 150.0)
    assert normal(1000.0, 100.0).mean == pytest.approx(1000.0, rel=0.001)


def test_an_exponential_has_its_quantiles() -> None:
    draw = exponential(200.0)
    assert draw.at(0.5) == pytest.approx(200 * log(2))
    assert draw.mean == pytest.approx(200.0, rel=0.01)


def test_a_histogram_gives_each_bin_its_part() -> None:
    draw = histogram([10.0, 20.0, 30.0, 50.0], [1.0, 0.0, 3.0])
    assert (draw.at(0.0), draw.at(0.125), draw.at(0.625), draw.at(1.0)) == (10.0, 15.0, 40.0, 50.0)
    assert draw.mean == pytest.approx(0.25 * 15 + 0.75 * 40)


@given(st.floats(1, 1e5), st.floats(1, 1e5), st.floats(0, 1), st.floats(0, 1))
def test_quantiles_never_fall(mean: float, std: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    for draw in (lognormal(mean, std), normal(mean, std), exponential(mean), uniform(mean, mean + std)):
        assert draw.at(low) <= draw.at(high) * (1 + 1e-12)
        assert draw.at(low) >= 1.0
