"""A family fitted to all of its cases, and to all but each fold: errors on what a fit has not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from llm_calc.core.arrays import FloatArray
from tools.calibrate.cases import Case, keys_of
from tools.calibrate.drift import Drifts
from tools.calibrate.drift import learned as drifts_of
from tools.calibrate.families import Family
from tools.calibrate.folds import HELD_OUT, folds
from tools.calibrate.hosting import Runs, fit_host, host_problem, simulate_cases
from tools.calibrate.offsets import Offsets, learned, taken
from tools.calibrate.parameters import Point, Rows, Unknowns
from tools.calibrate.predict import Stack, residuals_of, stack
from tools.calibrate.priors import HOST
from tools.calibrate.solver import Problem, fit

FOLD_ROUNDS = 14
SIMULATED_EACH = 3
"""Of first tokens of a held-out group every so-manieth is simulated."""
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
    offsets: Offsets = field(default_factory=dict)
    drifts: Drifts = field(default_factory=Drifts)

    @property
    def fitted(self) -> FloatArray:
        """Which cases the fit took."""
        return np.array([case.row.aside is None for case in self.cases])


def evaluate(family: Family, cases: Sequence[Case]) -> Fitted:
    """Fits the family, then once for each fold of each way to hold out."""
    whole = Evaluation(family, cases)
    return whole.fitted({held_out: whole.without(held_out) for held_out in HELD_OUT})


class Evaluation:
    """A family fitted to all of its cases, ready to be fitted without some."""

    def __init__(self, family: Family, cases: Sequence[Case]) -> None:
        self.family, self.cases, self.stacked = family, cases, stack(cases)
        self.unknowns = Unknowns(family.priors, keys_of(cases))
        self.usable = np.array([case.row.aside is None for case in cases])
        self.simulated = np.array([is_simulated(case) for case in cases])
        self.every = np.flatnonzero(~self.simulated)
        self.drifts = drifts_of(cases, self.usable)
        own = self.drifts.own(cases)
        self.x = fit(
            self.problem(np.flatnonzero(self.usable & ~self.simulated), own),
            np.zeros(len(self.unknowns.names)),
        )
        self.server: Server | None = None
        if self.simulated.any():
            rows = np.flatnonzero(self.simulated)
            self.server = Server(family, cases, self.stacked, self.unknowns, rows)
            self.server.fit_all(self.x)

    def problem(self, rows: Rows, moved: FloatArray) -> Problem:
        """The fit of some cases, whose times releases ``moved`` (logarithms, of all cases)."""
        found = residuals_of(self.cases, rows, self.stacked, self.family.kernels)
        return Problem(self.unknowns, rows, lambda point: found(point) + moved[rows])

    def fitted(self, residuals: Mapping[str, FloatArray]) -> Fitted:
        """The fit, with the residuals of what was held out."""
        server, own = self.server, self.drifts.own(self.cases)
        known = self.known(self.x, server.x if server else np.zeros(0), own)
        return Fitted(
            family=self.family,
            cases=self.cases,
            unknowns=self.unknowns,
            x=self.x,
            host=server.unknowns if server else None,
            host_x=server.x if server else np.zeros(0),
            residuals={"all": known, **residuals},
            offsets=learned(self.cases, known, self.usable),
            drifts=self.drifts,
        )

    def known(self, x: FloatArray, host_x: FloatArray, moved: FloatArray) -> FloatArray:
        """Residuals of all cases at some efficiencies and host times, first tokens by the runs of the whole fit."""
        found = np.zeros(len(self.cases))
        found[self.every] = self.problem(self.every, moved).at(x)
        if self.server is not None:
            found[self.server.rows] = self.server.known(host_x)
        return found

    def without(self, held_out: str) -> FloatArray:
        """Residuals of every fold by the fit to all others; NaN where first tokens were not simulated."""
        fold_of, found = folds(self.cases, held_out), np.full(len(self.cases), np.nan)
        for fold in np.unique(fold_of):
            self._fold(held_out, fold_of, int(fold), found)
        return found

    def _fold(self, held_out: str, fold_of: Rows, fold: int, found: FloatArray) -> None:
        inside, outside = fold_of == fold, fold_of != fold
        drifts = drifts_of(self.cases, self.usable & outside)
        own, told = drifts.own(self.cases), drifts.told(self.cases)
        others = np.flatnonzero(self.usable & outside & ~self.simulated)
        near = fit(self.problem(others, own), self.x, FOLD_ROUNDS)
        rows = np.flatnonzero(inside & ~self.simulated)
        found[rows] = self.problem(rows, told).at(near) if len(rows) else 0.0
        host = np.zeros(0)
        if self.server is not None:
            host = self.server.without(fold_of, fold)
            there = self.server.rows[inside[self.server.rows]]
            there = there if held_out == "row" else there[::SIMULATED_EACH]
            found[there] = self.server.at(host, near, there)
        if held_out == "row":
            offsets = learned(self.cases, self.known(near, host, own), self.usable & outside)
            found[inside] -= taken(self.cases, offsets)[inside]


def is_simulated(case: Case) -> bool:
    """Whether a first token of it is told by a run through the scheduler."""
    return case.row.load == "closed_loop" and case.row.metric in NOT_TIMED


class Server:
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
