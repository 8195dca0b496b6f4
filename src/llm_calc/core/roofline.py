"""Time of one operator from its roofs.

An operator streams bytes and multiplies; a kernel overlaps the two, but not perfectly. Its time lies between the
larger of both times and their sum, and is taken as their p-norm: ``(a^p + b^p)^(1/p)``. With efficiencies of at
most one, no operator ever beats a roof.
"""

from typing import Final

from llm_calc.core.arrays import Quantity

OVERLAP_EXPONENT: Final = 3.0
"""p of the p-norm: 1 would add both times (no overlap), infinity take the larger (perfect overlap)."""


def overlapped(bytes_s: Quantity, compute_s: Quantity, exponent: float = OVERLAP_EXPONENT) -> Quantity:
    """``(bytes_s^p + compute_s^p)^(1/p)``: never below the larger, at most their sum."""
    return (bytes_s**exponent + compute_s**exponent) ** (1 / exponent)
