"""The only place where scalars and arrays differ.

A formula takes and returns ``Quantity``: a Python number, or a float64 array of any shape that
broadcasts with the others. Scalars stay exact Python integers until a rate divides them; arrays are
always float64, since int64 overflows without a word at sizes that users really ask for
(2 000 000 sequences x 1 000 000 tokens of a large model).
"""

from typing import TYPE_CHECKING, TypeAlias, TypeGuard

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]
    BoolArray: TypeAlias = npt.NDArray[np.bool_]
else:
    # Numpy takes a sixth of a service's start and a fifth of its memory; numbers do without it.
    class FloatArray:
        """A float64 array, by the name that annotations have for it."""

    class BoolArray:
        """An array of truth values, likewise."""


Quantity: TypeAlias = float | FloatArray
"""A number (int or float) or a float64 array."""

Condition: TypeAlias = bool | BoolArray
"""A truth value, or an array of them."""

_NUMBER = (float, int)


def is_number(value: Quantity) -> TypeGuard[float]:
    """Whether a value is a single number."""
    return isinstance(value, _NUMBER) or not hasattr(value, "__len__")


def is_array(first: Quantity, second: Quantity = 0) -> bool:
    """Whether either of the values is an array."""
    return not (is_number(first) and is_number(second))


def ceil_div(numerator: Quantity, denominator: Quantity) -> Quantity:
    """Least integer not below ``numerator / denominator``; exact for Python integers."""
    if is_number(numerator) and is_number(denominator):
        return -(-numerator // denominator)
    import numpy as np

    return np.ceil(np.asarray(numerator, dtype=np.float64) / denominator)


def rounded(value: Quantity) -> Quantity:
    """The nearest whole number, of two the even one."""
    if is_number(value):
        return float(round(value))
    import numpy as np

    return np.rint(value)


def larger(first: Quantity, second: Quantity) -> Quantity:
    """The larger of two, element by element."""
    if isinstance(first, _NUMBER) and isinstance(second, _NUMBER):
        return max(first, second)
    if is_number(first) and is_number(second):  # what asks longer: other kinds of numbers
        return max(first, second)
    import numpy as np

    return np.maximum(first, second)


def smaller(first: Quantity, second: Quantity) -> Quantity:
    """The smaller of two, element by element."""
    if isinstance(first, _NUMBER) and isinstance(second, _NUMBER):
        return min(first, second)
    if is_number(first) and is_number(second):
        return min(first, second)
    import numpy as np

    return np.minimum(first, second)


def where(condition: Condition, chosen: Quantity, otherwise: Quantity) -> Quantity:
    """``chosen`` where the condition holds, else ``otherwise``."""
    if isinstance(condition, bool) and isinstance(chosen, _NUMBER) and isinstance(otherwise, _NUMBER):
        return chosen if condition else otherwise
    if not (hasattr(condition, "__len__") or is_array(chosen, otherwise)):
        return chosen if condition else otherwise
    import numpy as np

    return np.where(condition, chosen, otherwise).astype(np.float64)
