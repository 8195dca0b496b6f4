"""Pareto fronts: what nothing else beats in both of two quantities."""

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray


def pareto_front(first: FloatArray, second: FloatArray) -> list[int]:
    """Indices of the points for which no other has as much of both and more of one; larger is better.

    In falling order of ``first``; of equal points the earliest. NaN and infinite points are left out.

    >>> import numpy as np
    >>> pareto_front(np.array([1.0, 2.0, 3.0, 2.0]), np.array([3.0, 2.0, 1.0, 1.0]))
    [2, 1, 0]
    """
    known = np.flatnonzero(np.isfinite(first) & np.isfinite(second))
    order = known[np.lexsort((known, -second[known], -first[known]))]
    best = np.maximum.accumulate(np.concatenate(([-np.inf], second[order][:-1])))
    return [int(index) for index in order[second[order] > best]]


def is_beaten(
    first: FloatArray, second: FloatArray, by_first: FloatArray, by_second: FloatArray
) -> npt.NDArray[np.bool_]:
    """For each point whether any of the others has more of both [1]; NaN and infinite ones of these are left out.

    Definition: from the others with more of the first quantity the most of the second, held against the point's.

    >>> import numpy as np
    >>> is_beaten(np.array([1.0, 2.0]), np.array([1.0, 1.0]), np.array([2.0]), np.array([3.0]))
    array([ True, False])
    """
    known = np.isfinite(by_first) & np.isfinite(by_second)
    order = np.argsort(by_first[known])
    ahead, most = by_first[known][order], by_second[known][order]
    most = np.append(np.maximum.accumulate(most[::-1])[::-1], -np.inf)
    return np.asarray(most[np.searchsorted(ahead, first, side="right")] > second)


def spread(indices: list[int], most: int) -> list[int]:
    """At most so many of the indices, evenly along the list, both ends kept.

    >>> spread([9, 8, 7, 6, 5], 3)
    [9, 7, 5]
    """
    if len(indices) <= most:
        return indices
    chosen = np.unique(np.round(np.linspace(0, len(indices) - 1, most)).astype(int))
    return [indices[int(position)] for position in chosen]
