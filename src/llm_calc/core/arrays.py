"""The only place where scalars and arrays differ.

A formula takes and returns ``Quantity``: a Python number, or a float64 array of any shape that
broadcasts with the others. Scalars stay exact Python integers until a rate divides them; arrays are
always float64, since int64 overflows without a word at sizes that users really ask for
(2 000 000 sequences x 1 000 000 tokens of a large model).
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
Quantity: TypeAlias = float | FloatArray
"""A number (int or float) or a float64 array."""

Condition: TypeAlias = bool | npt.NDArray[np.bool_]
"""A truth value, or an array of them."""


def is_array(first: Quantity, second: Quantity = 0) -> bool:
    """Whether either of the values is an array."""
    return isinstance(first, np.ndarray) or isinstance(second, np.ndarray)


def ceil_div(numerator: Quantity, denominator: Quantity) -> Quantity:
    """Least integer not below ``numerator / denominator``; exact for Python integers."""
    if isinstance(numerator, np.ndarray) or isinstance(denominator, np.ndarray):
        return np.ceil(np.asarray(numerator, dtype=np.float64) / denominator)
    return -(-numerator // denominator)


def rounded(value: Quantity) -> Quantity:
    """The nearest whole number, of two the even one."""
    return np.rint(value) if isinstance(value, np.ndarray) else float(round(value))


def larger(first: Quantity, second: Quantity) -> Quantity:
    """The larger of two, element by element."""
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return np.maximum(first, second)
    return max(first, second)


def smaller(first: Quantity, second: Quantity) -> Quantity:
    """The smaller of two, element by element."""
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return np.minimum(first, second)
    return min(first, second)


def where(condition: Condition, chosen: Quantity, otherwise: Quantity) -> Quantity:
    """``chosen`` where the condition holds, else ``otherwise``."""
    if isinstance(condition, np.ndarray) or is_array(chosen, otherwise):
        return np.where(condition, chosen, otherwise).astype(np.float64)
    return chosen if condition else otherwise
