"""A function of one count, known at some points."""

from bisect import bisect_right

import numpy as np

from llm_calc.core.arrays import FloatArray


class Table:
    """A function of one count by linear interpolation; beyond the grid its last slope continues."""

    def __init__(self, points: FloatArray, values: FloatArray) -> None:
        self._points, self._values = points, values
        self._slopes = np.diff(values) / np.diff(points)
        self._numbers: tuple[list[float], list[float], list[float]] | None = None

    def at(self, count: float) -> float:
        """The value at ``count`` [s].

        ``y0 + (count - x0) x (y1 - y0) / (x1 - x0)`` between the neighbouring points.
        Definition: linear interpolation; the tables of this module hold seconds.
        """
        if self._numbers is None:
            self._numbers = self._points.tolist(), self._values.tolist(), self._slopes.tolist()
        points, values, slopes = self._numbers
        left = min(max(bisect_right(points, count) - 1, 0), len(slopes) - 1)
        return values[left] + (count - points[left]) * slopes[left]

    def of(self, counts: FloatArray) -> FloatArray:
        """The values at many counts [s].

        As :meth:`at`.
        Definition: element by element.
        """
        left = np.searchsorted(self._points[1:-1], counts, "right")
        found: FloatArray = self._values[left] + (counts - self._points[left]) * self._slopes[left]
        return found
