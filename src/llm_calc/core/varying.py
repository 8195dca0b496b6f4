"""What differs between rows of one set-up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray

Values = Mapping[str, FloatArray]
Figures = dict[str, npt.NDArray[Any]]
"""Columns of figures by name, one value a row: numbers, truth values or words."""
Places = npt.NDArray[np.intp]
"""Places of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Varying:
    """Values of the fields that vary, by path, one for each of ``rows``; ``simulate``: as the endpoint does."""

    values: Values
    rows: int
    simulate: bool = False
