"""Costs and energy: worked figures, and parts that add up to the bill."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.costs import (
    Owner,
    break_even_requests_per_s,
    hosted_request_usd,
    joules_per_token,
    owned_costs,
    prefill_share,
    request_usd,
    token_costs,
)

POSITIVE = st.floats(1e-3, 1e3)


def test_a_request_costs_its_share_of_the_rent() -> None:
    # 7.2 USD per hour are 0.002 USD per second; at 4 requests a second 0.0005 USD each.
    assert request_usd(7.2, 4.0) == pytest.approx(0.0005)


def test_tokens_are_billed_for_the_time_that_they_take() -> None:
    costs = token_costs(0.0005, prefill_share(0.25, 0.75), input_tokens=1000, output_tokens=500)
    assert costs.input_usd == pytest.approx(0.0005 * 0.25 / 1000 * 1e6)
    assert costs.output_usd == pytest.approx(0.0005 * 0.75 / 500 * 1e6)
    assert costs.all_in_output_usd == pytest.approx(0.0005 / 500 * 1e6)


@given(POSITIVE, st.floats(0, 1), st.integers(1, 10**6), st.integers(1, 10**6))
def test_both_parts_add_up_to_the_bill(usd: float, share: float, prompt: int, answer: int) -> None:
    costs = token_costs(usd, share, prompt, answer)
    assert (costs.input_usd * prompt + costs.output_usd * answer) / 1e6 == pytest.approx(usd)


def test_break_even_is_where_both_bills_are_equal() -> None:
    hosted = hosted_request_usd(0.5, 1.5, input_tokens=2000, output_tokens=1000)
    assert hosted == pytest.approx(0.0025)
    rate = break_even_requests_per_s(9.0, hosted)
    assert rate == pytest.approx(1.0)
    assert request_usd(9.0, rate or 0.0) == pytest.approx(hosted)
    assert break_even_requests_per_s(9.0, 0.0) is None


def test_energy_of_a_token() -> None:
    assert joules_per_token(700.0, 350.0) == 2.0
    assert np.asarray(joules_per_token(np.array([700.0, 1000.0]), 500.0)).tolist() == [1.4, 2.0]


def test_an_hour_of_an_owned_gpu() -> None:
    """30 000 USD over 4 years of 8766 hours, of which half serve: 17 532 hours that pay for it.

    5 % upkeep of the price each year, which 4383 hours pay; 700 W with half as much for the host and a PUE of 1.3 are
    1.365 kW, at 0.12 USD a kWh.
    """
    owner = Owner(
        purchase_usd=30_000.0,
        life_s=4 * 8766 * 3600,
        busy_fraction=0.5,
        upkeep_fraction_per_year=0.05,
        host_power_fraction=0.5,
        site_power_fraction=1.3,
        usd_per_kwh=0.12,
    )
    costs = owned_costs(owner, 700.0)
    assert costs.capital_usd_per_gpu_hour == pytest.approx(30_000 / 17_532)
    assert costs.upkeep_usd_per_gpu_hour == pytest.approx(1_500 / 4_383)
    assert costs.energy_usd_per_gpu_hour == pytest.approx(1.365 * 0.12)
    assert costs.usd_per_gpu_hour == pytest.approx(30_000 / 17_532 + 1_500 / 4_383 + 1.365 * 0.12)
