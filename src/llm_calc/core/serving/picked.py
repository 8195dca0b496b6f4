"""Some rows of objects whose numbers are arrays over rows."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import BoolArray, FloatArray, Quantity

Places = npt.NDArray[np.intp]
FEW = 0.5
"""Part of all rows up to which it pays to pick them out and to evaluate them by themselves."""


def picked(value: Any, places: Places) -> Any:  # noqa: ANN401 - of the kind that was given
    """The same with these rows of its arrays; what is the same for all rows stays [1].

    Definition: the same numbers; tuples and dataclasses are gone into, but for families of kernels.
    """
    if isinstance(value, np.ndarray):
        return value[places]
    if isinstance(value, tuple):
        return tuple([picked(each, places) for each in value])
    if isinstance(value, (int, float, str)) or not is_dataclass(value) or isinstance(value, type):
        return value
    kind: Any = type(value)
    names = _fields_of(kind)
    found = {name: picked(getattr(value, name), places) for name in names}
    return replace(value, **found) if names else value


def with_others(
    values: Quantity, unlike: BoolArray, among: tuple[Any, ...], of: Callable[..., Quantity]
) -> Quantity:
    """Values whose rows ``unlike`` are evaluated anew, ``of`` the same rows of ``among`` [1].

    ``of(*among)[row]`` where a row is unlike, else ``values[row]``.
    Definition: element by element, as all formulas here are.
    """
    places = np.flatnonzero(unlike)
    if not len(places):
        return values
    rows = len(unlike)
    if (
        len(places) > FEW * rows
        or not isinstance(values, np.ndarray)
        or not _over_rows((values, unlike, *among), rows)
    ):
        return of(*among)
    found: FloatArray = np.array(values)
    found[places] = of(*picked(among, places))
    return found


def _over_rows(value: Any, rows: int) -> bool:  # noqa: ANN401
    """Whether all arrays in it have that many rows, one number each."""
    if isinstance(value, np.ndarray):
        return bool(value.ndim and len(value) == rows == value.size)
    if isinstance(value, tuple):
        return all(_over_rows(each, rows) for each in value)
    if isinstance(value, (int, float, str)) or not is_dataclass(value):
        return True
    kind: Any = type(value)
    return all(_over_rows(getattr(value, name), rows) for name in _fields_of(kind))


@lru_cache(64)
def _fields_of(kind: Any) -> tuple[str, ...]:  # noqa: ANN401
    """The fields that may hold numbers of rows; what describes a family of kernels is shared by all."""
    return () if kind.__name__ == "Kernels" else tuple(field.name for field in fields(kind))
