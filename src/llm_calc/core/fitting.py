"""Fitting a few factors to a few measurements: bounded least squares with a prior that holds what data leave open.

The unknowns are logarithms of factors, ``x``; a prior of standard deviation ``s`` pulls each to 0 (factor 1), a
measurement is trusted to ``e`` (natural logarithm). Minimised is ``sum(((ln predicted(x) - ln measured) / e)^2) +
sum((x / s)^2)``, by Gauss-Newton steps (Nocedal and Wright 2006, chapter 10), held within bounds. Near the minimum
the inverse of the normal matrix is the covariance of ``x``, and leverages give the error on each measurement had it
been left out (Allen 1974, PRESS).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from llm_calc.core.arrays import FloatArray

STEPS = 12
DIFFERENCE = 1e-3
"""Step of the numerical derivative, in natural logarithms."""
CONVERGED = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Logarithms of the factors with their standard deviations; ln(predicted / measured) before, after, left out.

    ``learnt``: the share of the prior's variance that the measurements took away from each factor.
    """

    logs: FloatArray
    deviations: FloatArray
    learnt: FloatArray
    before: FloatArray
    after: FloatArray
    left_out: FloatArray


def fit_logs(
    predict_log: Callable[[FloatArray], FloatArray],
    measured_log: FloatArray,
    *,
    prior: FloatArray,
    trust: FloatArray,
    bound: float,
) -> Fit:
    """Factors that bring predictions to measurements, as natural logarithms [1].

    ``x <- x - (J^T J / e^2 + 1 / s^2)^-1 (J^T r / e^2 + x / s^2)`` with residuals r and slopes J, halved until the
    fit improves.
    Choice: damped least squares around a prior, since measurements are few and unknowns have likely values; the
    residual of a measurement left out is ``r / (1 - leverage)``, as the PRESS statistic of R's ``asbio`` has it
    (checked: 2026-11-30, its page read).
    Leaves out: other minima than the one next to factor 1; the bound ``1 - leverage >= 0.001`` hides measurements
    that alone decide an unknown.

    Args:
        predict_log: logarithms of the predictions, (unknowns,) -> (measurements,).
        measured_log: logarithms of the measurements.
        prior: standard deviation of each unknown before any measurement.
        trust: standard deviation of each measurement's logarithm.
        bound: largest absolute value of an unknown.
    """
    x = np.zeros(len(prior))
    before = predict_log(x) - measured_log
    residual, best = before, _cost(before, x, prior, trust)
    slopes = _slopes(predict_log, x)
    for _ in range(STEPS):
        pull = slopes.T @ (residual / trust**2) + x / prior**2
        step = -np.asarray(np.linalg.solve(_normal(slopes, prior, trust), pull), dtype=np.float64)
        moved, residual, cost = _shortened(predict_log, measured_log, x, step, prior, trust, bound, best)
        if cost >= best - CONVERGED * best:
            break
        x, best = moved, cost
        slopes = _slopes(predict_log, x)
    residual = predict_log(x) - measured_log
    covariance = np.linalg.inv(_normal(slopes, prior, trust))
    leverage = np.einsum("ij,jk,ik->i", slopes, covariance, slopes) / trust**2
    return Fit(
        logs=x,
        deviations=np.sqrt(np.diag(covariance)),
        learnt=1 - np.diag(covariance) / prior**2,
        before=before,
        after=residual,
        left_out=residual / np.maximum(1 - leverage, 1e-3),
    )


def _cost(residual: FloatArray, x: FloatArray, prior: FloatArray, trust: FloatArray) -> float:
    return float(np.sum((residual / trust) ** 2) + np.sum((x / prior) ** 2))


def _normal(slopes: FloatArray, prior: FloatArray, trust: FloatArray) -> FloatArray:
    normal: FloatArray = slopes.T @ (slopes / trust[:, np.newaxis] ** 2) + np.diag(prior**-2.0)
    return normal


def _slopes(predict_log: Callable[[FloatArray], FloatArray], x: FloatArray) -> FloatArray:
    """Derivatives of every prediction by every unknown, (measurements, unknowns)."""
    shifts = np.eye(len(x)) * DIFFERENCE
    return np.stack(
        [(predict_log(x + shift) - predict_log(x - shift)) / (2 * DIFFERENCE) for shift in shifts], 1
    )


def _shortened(
    predict_log: Callable[[FloatArray], FloatArray],
    measured_log: FloatArray,
    x: FloatArray,
    step: FloatArray,
    prior: FloatArray,
    trust: FloatArray,
    bound: float,
    best: float,
) -> tuple[FloatArray, FloatArray, float]:
    """The step, halved until it improves the fit or is negligible."""
    for shorter in (1.0, 0.5, 0.25, 0.125):
        moved = np.clip(x + shorter * step, -bound, bound)
        residual = predict_log(moved) - measured_log
        cost = _cost(residual, moved, prior, trust)
        if cost < best:
            break
    return moved, residual, cost
