"""How releases moved times, from runs of one setting on several days."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from llm_calc.core.calibration import Drift
from tools.calibrate.cases import Case
from tools.calibrate.drift import Drifts, learned, told_day
from tools.calibrate.families import cases_by_family

DAYS = ("2026-01-15", "2026-02-15", "2026-03-15", "2026-04-15")


@cache
def one() -> Case:
    return next(
        case
        for case in cases_by_family()["served"]
        if case.row.metric == "tpot_s" and case.row.engine == "sglang"
    )


def run(date: str, value: float, requests: int, version: str = "") -> Case:
    row = replace(one().row, date=date, value=value, requests=requests, engine_version=version)
    return replace(one(), row=row)


def falling(settings: int, monthly: float) -> list[Case]:
    """Settings of different times, all of which fall by the same part a month."""
    return [
        run(day, 0.01 * (1 + requests) * np.exp(-monthly * month), requests)
        for requests in range(1, settings + 1)
        for month, day in enumerate(DAYS)
    ]


def test_what_all_settings_share_is_learned_whatever_their_level() -> None:
    cases = falling(6, 0.1)
    drifts = learned(cases, np.ones(len(cases), bool))
    own = drifts.own(cases)
    assert own[0] - own[3] == pytest.approx(0.3, abs=0.05)
    assert np.median(own) == pytest.approx(0.0, abs=1e-9)


def test_a_release_that_brings_new_kernels_is_a_jump_and_rests_before_and_after() -> None:
    """Half the time within three days: nothing of it leaks into the days around, which a walk of months would smear."""
    days = ("2025-12-11", "2025-12-13", "2025-12-16", "2026-01-15", "2026-03-01")
    cases = [
        run(day, 0.01 * (1 + requests) * (0.5 if at >= 2 else 1.0), requests)
        for requests in range(1, 8)
        for at, day in enumerate(days)
    ]
    own = learned(cases, np.ones(len(cases), bool)).own(cases)[: len(days)]
    assert own[1] - own[2] == pytest.approx(np.log(2), abs=0.05)
    assert np.ptp(own[:2]) < 0.02
    assert np.ptp(own[2:]) < 0.02


def test_one_broken_run_moves_little() -> None:
    cases = falling(6, 0.0)
    cases[0] = run(DAYS[0], 5.0, 1)
    assert np.abs(learned(cases, np.ones(len(cases), bool)).own(cases)).max() < 0.05


def test_settings_of_one_day_tell_nothing() -> None:
    cases = [run(DAYS[0], 0.01, requests) for requests in range(1, 30)]
    assert not learned(cases, np.ones(len(cases), bool)).by_pair


def test_an_answer_knows_the_release_and_not_the_day_of_the_run() -> None:
    drift = Drift(pair=f"sglang/{one().chip}", points=((1, 0.0), (10_000_000, 1.0)))
    stated, silent = run("2026-05-01", 0.01, 4, "0.5.9"), run("2026-05-01", 0.01, 4)
    told = Drifts({drift.pair: drift}).told([stated, silent])
    assert told[1] == 0.0
    assert told[0] == pytest.approx(np.log(drift.factor(told_day(stated.row) or 0)))
