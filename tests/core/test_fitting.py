"""Fits with a prior: against the closed solution of a linear problem, and at their bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.arrays import FloatArray
from llm_calc.core.fitting import fit_logs

DESIGN = np.array([[1.0, 0.0], [1.0, 1.0], [0.5, 2.0], [0.0, 1.0]])


def linear(x: FloatArray) -> FloatArray:
    found: FloatArray = DESIGN @ x
    return found


@given(st.lists(st.floats(-0.3, 0.3), min_size=4, max_size=4))
def test_a_linear_problem_has_its_closed_solution(values: list[float]) -> None:
    measured, prior, trust = np.array(values), np.array([0.2, 0.4]), np.array([0.05, 0.1, 0.05, 0.2])
    fit = fit_logs(linear, measured, prior=prior, trust=trust, bound=2.0)
    weight = np.diag(trust**-2.0)
    normal = DESIGN.T @ weight @ DESIGN + np.diag(prior**-2.0)
    expected = np.linalg.solve(normal, DESIGN.T @ weight @ measured)
    assert fit.logs == pytest.approx(expected, abs=2e-3)
    assert fit.deviations == pytest.approx(np.sqrt(np.diag(np.linalg.inv(normal))), rel=1e-6)


@given(st.lists(st.floats(-0.3, 0.3), min_size=4, max_size=4), st.integers(0, 3))
def test_left_out_errors_are_those_of_a_fit_without_the_measurement(values: list[float], out: int) -> None:
    measured, prior, trust = np.array(values), np.array([0.2, 0.4]), np.full(4, 0.1)
    fit = fit_logs(linear, measured, prior=prior, trust=trust, bound=2.0)
    kept = [index for index in range(4) if index != out]
    without = fit_logs(lambda x: linear(x)[kept], measured[kept], prior=prior, trust=trust[kept], bound=2.0)
    assert fit.left_out[out] == pytest.approx(linear(without.logs)[out] - measured[out], abs=6e-3)


def test_without_information_factors_stay_at_one() -> None:
    fit = fit_logs(
        lambda x: np.full(3, 1.0) + 0.0 * x[0],
        np.ones(3),
        prior=np.array([0.2]),
        trust=np.full(3, 0.1),
        bound=1.0,
    )
    assert fit.logs == pytest.approx([0.0])
    assert fit.learnt == pytest.approx([0.0])


def test_factors_stay_within_their_bounds() -> None:
    fit = fit_logs(
        lambda x: x * np.ones(5), np.full(5, 9.0), prior=np.array([1.0]), trust=np.full(5, 0.1), bound=0.7
    )
    assert fit.logs == pytest.approx([0.7])
