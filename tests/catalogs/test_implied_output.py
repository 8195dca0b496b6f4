"""The output that closed loops imply: the formula, its errors in the catalog, and the runs that they are of."""

from functools import cache
from math import isclose, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.adapters.calibration import ErrorRow, load_calibration_file
from llm_calc.adapters.measured_runs import RunRow
from llm_calc.core.arrays import FloatArray
from tests.published import load_runs
from tools.calibrate.cases import Case
from tools.calibrate.evaluate import Fitted
from tools.calibrate.families import FAMILIES, cases_by_family
from tools.calibrate.folds import HELD_OUT, folds
from tools.calibrate.implied import LOAD, METRIC, implied_residuals, output_tokens_per_s, pairs_of
from tools.calibrate.parameters import Keys, Unknowns
from tools.calibrate.runs import setting_of

SECONDS = st.floats(1e-4, 1e3)
REQUESTS = st.integers(1, 10_000)


def errors_of(metric: str) -> dict[str, ErrorRow]:
    errors = load_calibration_file("served").errors
    return {e.held_out: e for e in errors if (e.load, e.metric, e.pair, e.maker) == (LOAD, metric, "", "")}


def made_by(held_out: str) -> list[int]:
    """Cases of each maker's chips among those of a kind of group."""
    errors = load_calibration_file("served").errors
    chosen = (LOAD, METRIC, "", held_out)
    return [e.measurements for e in errors if (e.load, e.metric, e.pair, e.held_out) == chosen and e.maker]


@cache
def served_cases() -> tuple[Case, ...]:
    return tuple(cases_by_family()["served"])


def with_residuals(residuals: FloatArray) -> Fitted:
    """The cases of servers, predicted as far off as said."""
    unknowns = Unknowns({}, Keys(plain={}, formats=[]))
    return Fitted(
        family=FAMILIES[0],
        cases=served_cases(),
        unknowns=unknowns,
        x=np.zeros(0),
        host=None,
        host_x=np.zeros(0),
        residuals={"row": residuals},
    )


def implied(run: RunRow, *, predicted: bool) -> float:
    """Output of a stored run by the formula [tokens/s]."""
    ttft, tpot = (run.predicted_ttft_s, run.predicted_tpot_s) if predicted else (run.ttft_s, run.tpot_s)
    return float(output_tokens_per_s(run.requests or 0, run.output_tokens or 0, ttft or 0, tpot or 0))


def test_sixteen_requests_of_half_a_second_and_hundred_tokens_of_ten_milliseconds() -> None:
    # 16 x 101 tokens in 0.5 s + 100 x 0.01 s = 1.5 s.
    assert output_tokens_per_s(16, 101, 0.5, 0.01) == pytest.approx(1616 / 1.5)


@given(REQUESTS, SECONDS, SECONDS)
def test_of_one_token_only_the_first_counts(requests: int, ttft: float, tpot: float) -> None:
    assert isclose(output_tokens_per_s(requests, 1, ttft, tpot), requests / ttft, rel_tol=1e-12)


@given(REQUESTS, st.integers(1, 100_000), SECONDS, SECONDS, st.floats(0.1, 10))
def test_both_times_longer_by_a_factor_are_that_much_less_output(
    requests: int, tokens: int, ttft: float, tpot: float, factor: float
) -> None:
    slower = output_tokens_per_s(requests, tokens, ttft * factor, tpot * factor)
    assert isclose(slower * factor, output_tokens_per_s(requests, tokens, ttft, tpot), rel_tol=1e-9)


def test_pairs_are_of_one_run_that_no_rule_sets_aside_and_of_one_fold() -> None:
    cases, pairs = served_cases(), pairs_of(served_cases())
    for first, each in zip(pairs.first, pairs.each, strict=True):
        assert (cases[first].row.metric, cases[each].row.metric) == ("ttft_s", "tpot_s")
        assert setting_of(cases[first].row.cells) == setting_of(cases[each].row.cells)
        assert cases[first].row.aside is None
        assert cases[each].row.aside is None
    assert len(set(pairs.first)) == len(set(pairs.each)) == len(pairs.first)
    for held_out in HELD_OUT:
        fold_of = folds(cases, held_out)
        assert (fold_of[pairs.first] == fold_of[pairs.each]).all()


def test_what_is_off_by_a_factor_in_both_times_is_off_by_its_inverse_in_the_output() -> None:
    pairs = pairs_of(served_cases())
    found = implied_residuals(with_residuals(np.full(len(served_cases()), log(1.25))), pairs, "row")
    assert found == pytest.approx(np.full(len(pairs.first), -log(1.25)))


def test_an_output_is_no_further_off_than_the_worse_of_its_times() -> None:
    residuals = np.random.default_rng(7).normal(0, 0.5, len(served_cases()))
    pairs = pairs_of(served_cases())
    found = -implied_residuals(with_residuals(residuals), pairs, "row")
    both = np.stack([residuals[pairs.first], residuals[pairs.each]])
    assert (found >= both.min(axis=0) - 1e-12).all()
    assert (found <= both.max(axis=0) + 1e-12).all()


@pytest.mark.parametrize("held_out", HELD_OUT)
def test_the_catalog_has_the_error_of_every_pair(held_out: str) -> None:
    error, times = errors_of(METRIC)[held_out], (errors_of("ttft_s")[held_out], errors_of("tpot_s")[held_out])
    pairs = len(pairs_of(served_cases()).first)
    # A case counts for the newest that its fold had not seen: fewer are left for each of the four kinds of groups.
    assert error.measurements == pairs if held_out == "row" else pairs / 8 < error.measurements <= pairs
    assert held_out == "row" or sum(made_by(held_out)) == error.measurements
    assert error.low_log < 0 < error.high_log
    assert error.mean_fraction < max(each.mean_fraction for each in times)


def test_the_stored_range_holds_four_of_five_published_runs() -> None:
    """A range of four of five cases that a fit had not seen holds more of those that it knows, but not all."""
    error = errors_of(METRIC)["row"]
    whole = [run for run in load_runs() if run.load == LOAD and run.ttft_s and run.tpot_s]
    assert len(whole) > 1500
    off = np.log([implied(run, predicted=False) / implied(run, predicted=True) for run in whole])
    inside = ((off >= error.low_log) & (off <= error.high_log)).mean()
    assert 0.75 < inside < 0.97
