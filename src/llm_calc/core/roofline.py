"""Time of one operator from its roofs.

An operator streams bytes and multiplies; a kernel overlaps the two, but not perfectly. Its time lies between the
larger of both times and their sum, and is taken as their p-norm: ``(a^p + b^p)^(1/p)``. With efficiencies of at
most one, no operator ever beats a roof.
"""

import math
from typing import Final

import numpy as np

from llm_calc.core.arrays import Quantity

OVERLAP_EXPONENT: Final = 3.0
"""p of the p-norm: 1 would add both times (no overlap), infinity take the larger (perfect overlap)."""


def overlapped(bytes_s: Quantity, compute_s: Quantity, exponent: float = OVERLAP_EXPONENT) -> Quantity:
    """Time of an operator that moves bytes and multiplies, from the times of both alone [s].

    ``(bytes_s^p + compute_s^p)^(1/p)``: never below the larger, at most their sum.
    Choice: a p-norm between perfect overlap and none. With p = 3 (llama.cpp: 1) the fit to measurements leaves the
    errors of ``docs/accuracy.md``.
    Leaves out: how single kernels overlap; equal times always take ``2^(1/p)`` of one.
    """
    if exponent == OVERLAP_EXPONENT:
        return cube_root(bytes_s * bytes_s * bytes_s + compute_s * compute_s * compute_s)
    if exponent == 1:
        return bytes_s + compute_s
    return (bytes_s**exponent + compute_s**exponent) ** (1 / exponent)


def cube_root(value: Quantity) -> Quantity:
    """``value ** (1/3)`` [1].

    Definition: element by element for arrays.
    """
    return np.cbrt(value) if isinstance(value, np.ndarray) else math.cbrt(value)
