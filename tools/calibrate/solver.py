"""Robust least squares with ridge priors: few steps of Gauss and Newton with Levenberg's damping.

Minimises ``sum of soft-L1(residual / scale) + sum of (x / sd)^2``. Predictions depend on the unknowns through few
efficiencies, so that the Jacobian takes one evaluation an efficiency, not one an unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from llm_calc.core.arrays import FloatArray
from tools.calibrate.parameters import Point, Rows, Unknowns

SCALE = 0.1
"""Residuals (in log ratio) beyond this count linearly, not squared."""
_STEP = 1e-3
PATIENCE = 3
"""Rounds in a row that gain next to nothing before a fit is at its end."""
TRIES = 16
"""Dampings that are tried, each four times the last, before a point counts as the best."""
Residuals = Callable[[Point], FloatArray]


@dataclass(frozen=True)
class Problem:
    """Residuals in log ratio of the cases ``rows`` (indices into those of ``unknowns``)."""

    unknowns: Unknowns
    rows: Rows
    residuals: Residuals

    def at(self, x: FloatArray) -> FloatArray:
        """Log of predicted over measured."""
        return self.residuals(Point(self.unknowns, x, self.rows))

    def jacobian(self, x: FloatArray, here: FloatArray) -> FloatArray:
        """Derivatives by unknown: of each term once, dealt to the unknowns that make it up."""
        result = np.zeros((len(here), len(x)))
        for term in self.unknowns.terms():
            if not self.unknowns.matters(term):
                continue
            moved = self.residuals(Point(self.unknowns, x, self.rows, term, _STEP))
            slope = (moved - here) / _STEP
            if not slope.any():
                continue
            for column in self.unknowns.columns[term]:
                chosen = column[self.rows]
                known = np.flatnonzero(chosen >= 0)
                result[known, chosen[known]] += slope[known]
        return result


def cost(residuals: FloatArray, x: FloatArray, sd: FloatArray) -> float:
    """Soft-L1 of the residuals, so that everybody counts but outliers less, and the ridge."""
    soft = 2 * (np.sqrt(1 + (residuals / SCALE) ** 2) - 1)
    return float(soft.sum() + ((x / sd) ** 2).sum())


def _weights(residuals: FloatArray) -> FloatArray:
    """Half the derivative of soft-L1 over the residual."""
    return np.asarray(1 / np.sqrt(1 + (residuals / SCALE) ** 2) / SCALE**2)


def fit(problem: Problem, start: FloatArray, rounds: int = 16, tolerance: float = 3e-4) -> FloatArray:
    """The unknowns at the least cost, from ``start``."""
    x, sd, damping = start.copy(), problem.unknowns.sd, 1e-3
    here = problem.at(x)
    least = cost(here, x, sd)
    rested = 0
    for _ in range(rounds):
        jacobian = problem.jacobian(x, here)
        moves = np.flatnonzero(jacobian.any(axis=0) | (x != 0))
        step_from = _normal_equations(jacobian[:, moves], here, x[moves], sd[moves])
        found, damping, candidate, there = _best(problem, x, moves, step_from, damping, least)
        if found >= least:
            return x
        gain, x, here, least = (least - found) / least, candidate, there, found
        damping = max(damping / 8, 1e-7)
        rested = rested + 1 if gain < tolerance else 0
        if rested == PATIENCE:
            break
    return x


def _best(
    problem: Problem,
    x: FloatArray,
    moves: Rows,
    step_from: tuple[FloatArray, FloatArray],
    damping: float,
    least: float,
) -> tuple[float, float, FloatArray, FloatArray]:
    """Cost, damping, unknowns and residuals of the best of the dampings that are tried, until one is worse again."""
    best = (np.inf, damping, x, x)
    for _ in range(TRIES):
        candidate = x.copy()
        candidate[moves] += _step(step_from, damping)
        there = problem.at(candidate)
        found = cost(there, candidate, problem.unknowns.sd)
        if best[0] < min(found, least):
            break
        if found < best[0]:
            best = (found, damping, candidate, there)
        damping = max(4 * damping, 1e-3)
    return best


def _normal_equations(
    jacobian: FloatArray, residuals: FloatArray, x: FloatArray, sd: FloatArray
) -> tuple[FloatArray, FloatArray]:
    weighted = jacobian * _weights(residuals)[:, None]
    return weighted.T @ jacobian + np.diag(1 / sd**2), -(weighted.T @ residuals) - x / sd**2


def _step(equations: tuple[FloatArray, FloatArray], damping: float) -> FloatArray:
    matrix, right = equations
    return np.clip(np.linalg.solve(matrix + damping * np.diag(np.diag(matrix)), right), -1, 1)
