"""Drifts of releases."""

import math

import pytest

from llm_calc.core.calibration import Calibration, Drift, Efficiency

DRIFT = Drift(pair="sglang/cdna4", points=((100, 0.4), (130, 0.0), (160, -0.2)))


@pytest.mark.parametrize(("day", "log"), [(100, 0.4), (115, 0.2), (145, -0.1), (160, -0.2)])
def test_a_drift_is_straight_between_its_points(day: int, log: float) -> None:
    assert math.log(DRIFT.factor(day)) == pytest.approx(log)


def test_before_and_after_what_was_measured_nothing_moves() -> None:
    assert DRIFT.factor(1) == DRIFT.factor(100)
    assert DRIFT.factor(10_000) == DRIFT.factor(160)


def test_a_pair_of_one_release_has_no_drift() -> None:
    calibration = Calibration(
        name="served", fitted_on="", measurements=0, efficiencies=(), drifts=(DRIFT,), errors=()
    )
    assert calibration.drift_of("sglang/cdna4") is DRIFT
    assert calibration.drift_of("sglang/cdna3") is None


@pytest.mark.parametrize(("factor", "base"), [(1.5, 0.75), (0.5, 0.25), (3.0, 0.9), (0.1, 0.1), (1.0, 0.5)])
def test_a_callers_factor_moves_an_efficiency_within_its_bounds(factor: float, base: float) -> None:
    """Of a half, held between 0.1 and 0.9; deviations stay."""
    own = Efficiency(name="x", base=0.5, low=0.1, high=0.9, deviations=(("engine:vllm", 0.2),))
    found = own.scaled(factor)
    assert (found.base, found.low, found.high, found.deviations) == (base, 0.1, 0.9, own.deviations)
