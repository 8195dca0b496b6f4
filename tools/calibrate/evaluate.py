"""A family fitted to all of its cases, and to all but each fold: errors on what a fit has not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llm_calc.core.arrays import FloatArray
from tools.calibrate.cases import Case, keys_of
from tools.calibrate.families import Family
from tools.calibrate.folds import HELD_OUT, folds
from tools.calibrate.hosting import Runs, fit_host, host_problem, simulate_cases
from tools.calibrate.offsets import Offsets, learned, taken
from tools.calibrate.parameters import Point, Rows, Unknowns
from tools.calibrate.predict import Stack, residuals_of, stack
from tools.calibrate.priors import HOST
from tools.calibrate.solver import Problem, fit

FOLD_ROUNDS = 4
NOT_TIMED = ("ttft_s", "ttft_median_s")


@dataclass(frozen=True)
class Fitted:
    """A family's cases and its unknowns at the best fit.

    ``residuals``: ln(predicted / measured) of every case, in sample under ``all``, else by what was held out.
    """

    family: Family
    cases: Sequence[Case]
    unknowns: Unknowns
    x: FloatArray
    host: Unknowns | None
    host_x: FloatArray
    residuals: Mapping[str, FloatArray]
    offsets: Offsets

    @property
    def fitted(self) -> FloatArray:
        """Which cases the fit took."""
        return np.array([case.row.aside is None for case in self.cases])


def evaluate(family: Family, cases: Sequence[Case]) -> Fitted:
    """Fits the family, then once for each fold of each way to hold out."""
    unknowns, stacked = Unknowns(family.priors, keys_of(cases)), stack(cases)
    usable = np.array([case.row.aside is None for case in cases])
    simulated = np.array([case.row.load == "closed_loop" and case.row.metric in NOT_TIMED for case in cases])

    def problem(rows: Rows) -> Problem:
        return Problem(unknowns, rows, residuals_of(cases, rows, stacked, family.kernels))

    timed = np.flatnonzero(usable & ~simulated)
    x = fit(problem(timed), np.zeros(len(unknowns.names)))
    server = _Server(family, cases, stacked, unknowns, np.flatnonzero(simulated)) if simulated.any() else None
    residuals = {"all": np.zeros(len(cases))}
    every = np.flatnonzero(~simulated)
    residuals["all"][every] = problem(every).at(x)
    if server is not None:
        server.fit_all(x)
        residuals["all"][server.rows] = server.at(server.x, x, server.rows)
    for held_out in HELD_OUT:
        fold_of, found = folds(cases, held_out), np.zeros(len(cases))
        for fold in np.unique(fold_of):
            inside, outside = fold_of == fold, fold_of != fold
            near = fit(problem(np.flatnonzero(usable & outside & ~simulated)), x, FOLD_ROUNDS)
            rows = np.flatnonzero(inside & ~simulated)
            found[rows] = problem(rows).at(near) if len(rows) else 0.0
            host = server.without(fold_of, fold) if server is not None else np.zeros(0)
            if server is not None:
                there = server.rows[inside[server.rows]]
                found[there] = server.at(host, near, there)
            if held_out == "row":
                known = np.zeros(len(cases))
                known[every] = problem(every).at(near)
                if server is not None:
                    known[server.rows] = server.known(host)
                found -= inside * taken(cases, learned(cases, known, usable & outside))
        residuals[held_out] = found
    return Fitted(
        family=family,
        cases=cases,
        unknowns=unknowns,
        x=x,
        host=server.unknowns if server else None,
        host_x=server.x if server else np.zeros(0),
        residuals=residuals,
        offsets=learned(cases, residuals["all"], usable),
    )


class _Server:
    """First tokens of a family's cases ``rows``, by simulation and fitted host times."""

    def __init__(
        self, family: Family, cases: Sequence[Case], stacked: Stack, timing: Unknowns, rows: Rows
    ) -> None:
        self.family, self.cases, self.stacked, self.timing, self.rows = family, cases, stacked, timing, rows
        self.unknowns = Unknowns(HOST, keys_of(cases))
        self.usable = np.array([case.row.aside is None for case in cases])
        self.x = np.zeros(len(self.unknowns.names))
        self.runs = Runs(ttft_s=np.zeros(0), tpot_s=np.zeros(0))

    def simulate(self, x: FloatArray, rows: Rows) -> Runs:
        """Runs of all cases, those that are not simulated left at zero."""
        found = simulate_cases(
            self.cases, rows, self.stacked, Point(self.timing, x, rows), self.family.kernels
        )
        ttft, tpot = np.zeros(len(self.cases)), np.zeros(len(self.cases))
        ttft[rows], tpot[rows] = found.ttft_s, found.tpot_s
        return Runs(ttft_s=ttft, tpot_s=tpot)

    def fit_all(self, x: FloatArray) -> None:
        """Host times from all first tokens."""
        self.runs = self.simulate(x, self.rows)
        self.x = fit_host(self.unknowns, self.cases, self.rows[self.usable[self.rows]], self.runs)

    def without(self, fold_of: Rows, fold: int) -> FloatArray:
        """Host times from the first tokens outside of a fold."""
        rows = self.rows[self.usable[self.rows] & (fold_of[self.rows] != fold)]
        return fit_host(self.unknowns, self.cases, rows, self.runs) if len(rows) else np.zeros_like(self.x)

    def known(self, host_x: FloatArray) -> FloatArray:
        """Residuals of all first tokens at the runs of the whole fit."""
        found: FloatArray = host_problem(self.unknowns, self.cases, self.rows, self.runs).at(host_x)
        return found

    def at(self, host_x: FloatArray, x: FloatArray, rows: Rows) -> FloatArray:
        """Residuals of ``rows`` with host times ``host_x`` and efficiencies ``x``."""
        if not len(rows):
            return np.zeros(0)
        found: FloatArray = host_problem(self.unknowns, self.cases, rows, self.simulate(x, rows)).at(host_x)
        return found
