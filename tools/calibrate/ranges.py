"""Ranges that hold for whole groups: conformal on groups left out."""

import numpy as np

from llm_calc.core.arrays import FloatArray

COVERAGE = 0.8
WIDENING = np.geomspace(1.0, 4.0, 57)
"""Factors that are tried, the least that covers is taken."""
FEW, MOST_OF_FEW = 5, 2.0
"""Of fewer groups no factor beyond this: two or three that disagree do not tell how far a further one may be off."""


def group_range(values: FloatArray, groups: "np.typing.NDArray[np.str_]") -> tuple[float, float]:
    """Bounds that hold 80 % of the cases of a group that was not looked at, zero among them [-].

    The middle 80 % of all cases, every group with the same weight, widened by the least factor with which the bounds
    of the other groups hold 80 % of each group on average; of fewer than five groups at most twice as wide.
    Source: Vovk, Gammerman and Shafer 2005 (Algorithmic Learning in a Random World), conformal prediction with groups
    in place of cases, which are exchangeable where cases are not.
    Leaves out: groups that are much unlike all others.
    """
    names = np.unique(groups)
    if len(names) < 2:
        return _widened(*_middle(values, groups), float(len(values) < 2) + MOST_OF_FEW)
    others = [_middle(values[groups != name], groups[groups != name]) for name in names]
    members = [values[groups == name] for name in names]
    for factor in WIDENING if len(names) >= FEW else WIDENING[WIDENING <= MOST_OF_FEW]:
        bounds = [_widened(low, high, float(factor)) for low, high in others]
        if np.mean([_held(*pair) for pair in zip(members, bounds, strict=True)]) >= COVERAGE:
            break
    return _widened(*_middle(values, groups), float(factor))


def own_range(values: FloatArray) -> tuple[float, float]:
    """The middle 80 % of the cases of one group, zero among them [-].

    Definition: what it says; how far off another group may be, it does not tell.
    """
    return _widened(*_middle(values, np.zeros(len(values), dtype=np.str_)), 1.0)


def _held(values: FloatArray, bounds: tuple[float, float]) -> float:
    return float(((values >= bounds[0]) & (values <= bounds[1])).mean())


def _widened(low: float, high: float, factor: float) -> tuple[float, float]:
    """Never without zero, the estimate itself."""
    return min(low * factor, 0.0), max(high * factor, 0.0)


def _middle(values: FloatArray, groups: "np.typing.NDArray[np.str_]") -> tuple[float, float]:
    """The 10th and the 90th percentile, every group with the same weight."""
    _, places, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(values)
    weights = np.cumsum((1.0 / counts)[places][order])
    at = (weights - weights[0] / 2) / weights[-1]
    low, high = np.interp(((1 - COVERAGE) / 2, (1 + COVERAGE) / 2), at, values[order])
    return float(low), float(high)
