"""A load over the day: replicas by the hour, and their rent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.planning.day import HOURS, Day, day_usd, replicas_by_hour, wave

RATES = st.lists(st.floats(0, 1e4), min_size=HOURS, max_size=HOURS).filter(any)


def test_a_day_by_hand() -> None:
    day = Day(rates_per_s=(0.0, 1.0, 2.0, 2.1, *(4.0,) * 20), spare_replicas=1)
    replicas = replicas_by_hour(day, 2.0)
    assert replicas == (2, 2, 2, 3, *(3,) * 20)
    assert day_usd(replicas, 10.0) == (3 * 2 * 10 + 21 * 3 * 10, 24 * 3 * 10)


@given(RATES, st.floats(0.01, 1e3), st.integers(0, 5))
def test_every_hour_is_served_by_no_more_than_it_takes(rates: list[float], each: float, spare: int) -> None:
    day = Day(rates_per_s=tuple(rates), spare_replicas=spare)
    replicas = replicas_by_hour(day, each)
    assert all(
        (count - spare) * each >= rate * (1 - 1e-6) for count, rate in zip(replicas, rates, strict=True)
    )
    assert min(replicas) >= 1 + spare
    beside = [(count - spare, rate) for count, rate in zip(replicas, rates, strict=True)]
    assert all((count - 1) * each < rate for count, rate in beside if count > 1)
    scaled, flat = day_usd(replicas, 3.0)
    assert flat - scaled == pytest.approx(3.0 * sum(max(replicas) - count for count in replicas))


@given(st.floats(0.1, 1e4), st.floats(0, 23.99))
def test_replicas_are_found_for_the_peak_that_is_stated(peak: float, hour: float) -> None:
    day = Day(rates_per_s=wave(peak, 0.2, hour), planned_peak_per_s=peak)
    assert day.peak_per_s == pytest.approx(peak)


@given(st.floats(0.1, 1e4), st.floats(0, 1), st.floats(0, 23.99))
def test_a_wave_lies_between_its_trough_and_its_peak(peak: float, trough: float, hour: float) -> None:
    rates = wave(peak, trough, hour)
    assert len(rates) == HOURS
    assert max(rates) <= peak * (1 + 1e-12)
    assert min(rates) >= peak * trough * (1 - 1e-12)
    assert wave(peak, trough, 14.0)[14] == pytest.approx(peak)
    assert wave(peak, trough, 14.0)[2] == pytest.approx(peak * trough)
