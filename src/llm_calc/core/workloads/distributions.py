"""Distributions of lengths as quantiles: named ones by their parameters, given quantiles, histograms."""

from collections.abc import Callable, Sequence
from math import exp, log, sqrt
from statistics import NormalDist

from llm_calc.core.workloads.draws import Draw

LEVELS = (
    *(0.0, 0.001, 0.005),
    *(step / 100 for step in range(1, 100)),
    *(0.995, 0.999, 1.0),
)
FARTHEST = 0.9995
"""Level at which an endless tail is cut off where nothing else is said; its counterpart is 0.0005."""
_STANDARD = NormalDist()


def cut(quantile: Callable[[float], float], low: float, high: float | None) -> Draw:
    """A distribution by its quantile function, within bounds [tokens].

    ``min(max(quantile(level), low), high)`` at about a hundred levels.
    Choice: values beyond a bound become the bound, as clients clip them; endless tails end at level 0.9995.
    Leaves out: what lies beyond the last level.
    """
    inner = (min(max(level, 1 - FARTHEST), FARTHEST) for level in LEVELS)
    values = (max(quantile(level), low) for level in inner)
    return Draw(LEVELS, tuple(value if high is None else min(value, high) for value in values))


def uniform(low: float, high: float) -> Draw:
    """Evenly between two lengths [tokens].

    Definition: a straight line of quantiles.
    """
    return Draw((0.0, 1.0), (low, high))


def normal(mean: float, std: float, low: float = 1.0, high: float | None = None) -> Draw:
    """A normal distribution within bounds [tokens].

    ``mean + std x z(level)``.
    Definition: the quantile of the normal distribution.
    """
    return cut(lambda level: mean + std * _STANDARD.inv_cdf(level), low, high)


def lognormal(mean: float, std: float, low: float = 1.0, high: float | None = None) -> Draw:
    """A log-normal distribution with this mean and deviation, within bounds [tokens].

    ``exp(mu + sigma x z(level))`` with ``sigma^2 = ln(1 + (std / mean)^2)`` and ``mu = ln(mean) - sigma^2 / 2``.
    Definition: the quantile of the log-normal distribution.
    """
    sigma = sqrt(log(1 + (std / mean) ** 2))
    mu = log(mean) - sigma * sigma / 2
    return cut(lambda level: exp(mu + sigma * _STANDARD.inv_cdf(level)), low, high)


def exponential(mean: float, low: float = 1.0, high: float | None = None) -> Draw:
    """An exponential distribution within bounds [tokens].

    ``-mean x ln(1 - level)``.
    Definition: the quantile of the exponential distribution.
    """
    return cut(lambda level: -mean * log(1 - level), low, high)


def histogram(edges: Sequence[float], counts: Sequence[float]) -> Draw:
    """Evenly within each bin, bins by their counts [tokens].

    ``level of an edge = sum of counts below it / sum of all counts``.
    Definition: the inverse of the piecewise linear cumulative distribution; bins without a count are left out.
    """
    total, reached = float(sum(counts)), 0.0
    levels, values = [0.0], [float(next(edge for edge, count in zip(edges, counts, strict=False) if count))]
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        if not count:
            continue
        if values[-1] != low:
            levels.append(reached)
            values.append(float(low))
        reached += count / total
        levels.append(min(reached, 1.0))
        values.append(float(high))
    levels[-1] = 1.0
    return Draw(tuple(levels), tuple(values))
