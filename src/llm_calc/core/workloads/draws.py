"""Numbers that vary from request to request, drawn from quantiles by a sequence that is the same in every run."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from math import log

_FIRST = (0.6180339887498949, 0.41421356237309515, 0.7320508075688772, 0.2360679774997898)
_SECOND = (0.3166247903553998, 0.6055512754639891, 0.1231056256176605, 0.7958315233127195)
LEAST_SHARE = 1e-9


@dataclass(frozen=True)
class Draw:
    """A quantity by its quantiles: ``values[i]`` at level ``levels[i]``, linear between; levels go from 0 to 1."""

    levels: tuple[float, ...]
    values: tuple[float, ...]

    def at(self, level: float) -> float:
        """The quantile [tokens].

        ``v0 + (level - l0) x (v1 - v0) / (l1 - l0)`` between the neighbouring levels.
        Definition: the inverse of the distribution, linear between the levels that are given.
        """
        right = min(max(bisect_right(self.levels, level), 1), len(self.levels) - 1)
        l0, l1 = self.levels[right - 1], self.levels[right]
        v0, v1 = self.values[right - 1], self.values[right]
        return v0 + (level - l0) * (v1 - v0) / (l1 - l0) if l1 > l0 else v1

    @cached_property
    def mean(self) -> float:
        """Mean over all levels [tokens].

        ``sum of (l1 - l0) x (v0 + v1) / 2``.
        Definition: the integral of the quantile function.
        """
        pairs = zip(self.levels[:-1], self.levels[1:], self.values[:-1], self.values[1:], strict=True)
        return sum((l1 - l0) * (v0 + v1) / 2 for l0, l1, v0, v1 in pairs)

    @property
    def most(self) -> float:
        """The largest value [tokens].

        Definition: the quantile at level 1.
        """
        return self.values[-1]


def around(mean: float, spread_fraction: float) -> Draw:
    """Evenly between ``mean x (1 - spread)`` and ``mean x (1 + spread)`` [tokens].

    Definition: a uniform distribution with this mean.
    """
    return Draw((0.0, 1.0), (mean * (1 - spread_fraction), mean * (1 + spread_fraction)))


def level_of(kind: int, session: int, turn: int) -> float:
    """The level at which a quantity of a turn of a session is drawn, 0 to below 1 [1].

    ``frac(session x a + turn x b)`` with irrational a and b of each ``kind`` of quantity.
    Choice: a low-discrepancy (Kronecker) sequence in place of random numbers, so that short runs have the mean of long
    ones and the same load is the same in every run.
    Leaves out: correlation between quantities.
    """
    return (session * _FIRST[kind] + turn * _SECOND[kind]) % 1.0


def pause(mean_s: float, level: float) -> float:
    """Time between an answer and the next turn, exponentially distributed [s].

    ``-mean x ln(1 - level)``.
    Choice: exponential pauses have no memory, as those of many users and tools together.
    Leaves out: pauses that follow from the length of an answer.
    """
    return -mean_s * log(max(1.0 - level, LEAST_SHARE))
