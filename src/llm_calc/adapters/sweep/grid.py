"""The grid of a sweep: its axes, how many rows they make, and which values a row has.

Axes whose values are numbers that formulas take as arrays vary fastest; all others decide what is set up, and vary
slowest. Within both, the last axis named varies fastest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from llm_calc.adapters.wire.sweep import Axis, RangePart
from llm_calc.core.arrays import FloatArray
from llm_calc.core.errors import InvalidInputError

ROWS_A_BATCH = 16_384
SETUPS_A_BATCH = 64
"""Set-ups in one batch of rows: each takes about a millisecond, and a batch cannot be interrupted."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One axis: the path of its field and its values."""

    path: str
    values: Sequence[Any]

    @property
    def is_numeric(self) -> bool:
        """Whether all values are numbers."""
        return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in self.values)

    @property
    def is_whole(self) -> bool:
        """Whether all values are whole numbers."""
        return all(isinstance(value, int) for value in self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Axes that are set up one by one, and those that are evaluated as arrays."""

    setups: tuple[Column, ...]
    arrays: tuple[Column, ...]

    @property
    def rows_a_setup(self) -> int:
        """Rows that share a set-up."""
        return prod(len(column.values) for column in self.arrays)

    @property
    def rows(self) -> int:
        """Rows of the whole grid."""
        return self.rows_a_setup * prod(len(column.values) for column in self.setups)

    @property
    def rows_a_batch(self) -> int:
        """Rows of one batch; the last one may have fewer."""
        return min(ROWS_A_BATCH, self.rows_a_setup * SETUPS_A_BATCH)

    @property
    def batches(self) -> int:
        """Batches of the whole grid."""
        return -(-self.rows // self.rows_a_batch)

    def pieces(self, batch: int) -> Iterator["Piece"]:
        """The rows of one batch, counted from 0, piece by piece of equal set-up."""
        row, stop = batch * self.rows_a_batch, min(self.rows, (batch + 1) * self.rows_a_batch)
        while row < stop:
            setup, first = divmod(row, self.rows_a_setup)
            last = min(self.rows_a_setup, first + stop - row)
            yield Piece(grid=self, setup=setup, first=first, last=last)
            row += last - first


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows ``first`` up to ``last`` (left out) of one set-up."""

    grid: Grid
    setup: int
    first: int
    last: int

    @property
    def fixed(self) -> Json:
        """Values of the axes that are set up, by path."""
        shape = [len(column.values) for column in self.grid.setups]
        places = np.unravel_index(self.setup, shape) if shape else ()
        return {
            column.path: column.values[int(place)]
            for column, place in zip(self.grid.setups, places, strict=True)
        }

    @property
    def varying(self) -> dict[str, FloatArray]:
        """Values of the other axes, by path, one a row."""
        shape = [len(column.values) for column in self.grid.arrays]
        if not shape:
            return {}
        places = np.unravel_index(np.arange(self.first, self.last), shape)
        return {
            column.path: np.asarray(column.values, dtype=np.float64)[place]
            for column, place in zip(self.grid.arrays, places, strict=True)
        }

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.last - self.first


def build_grid(axes: Mapping[str, Axis], array_paths: frozenset[str]) -> Grid:
    """The grid of a request; ``array_paths``: fields that formulas take as arrays."""
    columns = [Column(path=path, values=_values(axis)) for path, axis in axes.items()]
    arrays = tuple(column for column in columns if column.path in array_paths and column.is_numeric)
    return Grid(setups=tuple(column for column in columns if column not in arrays), arrays=arrays)


def check_size(grid: Grid, most_rows: int) -> None:
    """Refuse a grid that is too large.

    Raises:
        InvalidInputError: says how many rows it has and how many are accepted.
    """
    if grid.rows > most_rows:
        sizes = " x ".join(str(len(column.values)) for column in (*grid.setups, *grid.arrays))
        msg = f"grid: makes {sizes} = {grid.rows} rows; at most {most_rows} are accepted at once"
        raise InvalidInputError(msg, field="grid", rows=grid.rows, accepted=most_rows)


def _values(axis: Axis) -> Sequence[Any]:
    if isinstance(axis, RangePart):
        return _of_range(axis)
    return axis


def _of_range(part: RangePart) -> Sequence[float]:
    """Values of a range; rounded to whole numbers, each once, where both ends are whole."""
    whole = isinstance(part.start, int) and isinstance(part.stop, int)
    if part.count is None:
        step = part.step or 1
        values = part.start + step * np.arange(int((part.stop - part.start) / step + 1e-9) + 1)
        whole = whole and isinstance(step, int)
    elif part.spacing == "log":
        values = np.geomspace(part.start, part.stop, part.count)
    else:
        values = np.linspace(part.start, part.stop, part.count)
    if not whole:
        return [float(value) for value in values]
    return [int(value) for value in np.unique(np.round(values))]


def placed(base: Json, values: Mapping[str, Any]) -> Json:
    """A request with values put in at their paths; objects on the way are made where they are missing.

    Raises:
        InvalidInputError: a path goes through a field that is no object.
    """
    request = dict(base)
    for path, value in values.items():
        *outer, last = path.split(".")
        inner = request
        for name in outer:
            found = inner.get(name)
            if found is not None and not isinstance(found, dict):
                raise InvalidInputError(f"grid.{path}: {name} is no object in base", field=f"grid.{path}")
            inner[name] = dict(found or {})
            inner = inner[name]
        inner[last] = value
    return request
