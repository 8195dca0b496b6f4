"""Percentiles of a simulated run."""

import numpy as np

from llm_calc.core.arrays import FloatArray

PERCENTILES = (50, 90, 95, 99)


def percentiles_of(values: FloatArray) -> tuple[float, ...]:
    """Percentiles of ``PERCENTILES`` [s].

    Definition: by linear interpolation between the two nearest of the ordered values.
    """
    ordered, last = np.sort(values), len(values) - 1
    places = [each / 100 * last for each in PERCENTILES]
    lower = [int(place) for place in places]
    pairs = ordered[[*lower, *(min(place + 1, last) for place in lower)]].tolist()
    return tuple(
        low + (high - low) * (place - whole)
        for low, high, place, whole in zip(pairs[:4], pairs[4:], places, lower, strict=True)
    )
