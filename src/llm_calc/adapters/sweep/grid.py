"""The grid of a sweep: its axes, how many rows they make, and which values a row has.

Axes whose values are numbers that formulas take as arrays vary fastest; all others decide what is set up, and vary
slowest. Within both, the last axis named varies fastest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
class SweepLimits:
    """Most rows of a sweep, and most set-ups (None: as many as there are rows)."""

    rows: int
    setups: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Column:
    """One axis: the path of its field and its values; whether all are numbers, and whether all are whole ones."""

    path: str
    values: Sequence[Any]
    is_numeric: bool
    is_whole: bool
    numbers: FloatArray | None = None
    """The values as an array, where they are numbers."""

    @classmethod
    def of(cls, path: str, values: Sequence[Any], numbers: FloatArray | None = None) -> "Column":
        """The axis of these values."""
        kinds = set(map(type, values))
        return cls(
            path=path,
            values=values,
            is_numeric=kinds <= {int, float},
            is_whole=kinds <= {int, bool},
            numbers=numbers,
        )

    @cached_property
    def distinct(self) -> int:
        """How many of the values differ."""
        return len(set(map(repr, self.values)))


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
            column.path: _numbers(column)[place]
            for column, place in zip(self.grid.arrays, places, strict=True)
        }

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.last - self.first


def build_grid(axes: Mapping[str, Axis], array_paths: frozenset[str], limits: SweepLimits) -> Grid:
    """The grid of a request; ``array_paths``: fields that formulas take as arrays.

    Its rows are counted before the values of any range are made.

    Raises:
        InvalidInputError: more rows than are accepted, or more set-ups; says how many.
    """
    as_array = {path: path in array_paths and _is_numeric(axis) for path, axis in axes.items()}
    ordered = sorted(axes, key=lambda path: as_array[path])
    _check_rows([_size(axes[path]) for path in ordered], limits.rows)
    columns = [_column(path, axes[path]) for path in ordered]
    grid = Grid(
        setups=tuple(column for column in columns if not as_array[column.path]),
        arrays=tuple(column for column in columns if as_array[column.path]),
    )
    _check_setups(prod(column.distinct for column in grid.setups), limits.setups)
    return grid


def _check_rows(sizes: Sequence[int], most_rows: int) -> None:
    rows = prod(sizes)
    if rows > most_rows:
        product = " x ".join(map(str, sizes))
        msg = f"grid: makes {product} = {rows} rows; at most {most_rows} are accepted at once"
        raise InvalidInputError(msg, field="grid", rows=rows, accepted=most_rows)


def _check_setups(setups: int, most: int | None) -> None:
    if most is not None and setups > most:
        msg = (
            f"grid: makes {setups} set-ups, which take about a millisecond each; at most {most} are accepted at once. "
            "Lengths, numbers of requests and rates make none where all their values are numbers"
        )
        raise InvalidInputError(msg, field="grid", setups=setups, accepted=most)


def _is_numeric(axis: Axis) -> bool:
    return isinstance(axis, RangePart) or set(map(type, axis)) <= {int, float}


def _size(axis: Axis) -> int:
    """How many values an axis has."""
    if not isinstance(axis, RangePart):
        return len(axis)
    if axis.count is None:
        return _steps(axis)
    if not _is_whole(axis):
        return axis.count
    if axis.spacing == "linear":
        return min(axis.count, int(axis.stop) - int(axis.start) + 1)
    return len(_of_range(axis))


def _column(path: str, axis: Axis) -> Column:
    if not isinstance(axis, RangePart):
        return Column.of(path, axis)
    numbers = _of_range(axis)
    whole = _is_whole(axis)
    values = numbers.astype(np.int64).tolist() if whole else numbers.tolist()
    return Column(path=path, values=values, is_numeric=True, is_whole=whole, numbers=numbers)


def _numbers(column: Column) -> FloatArray:
    return np.asarray(column.values, dtype=np.float64) if column.numbers is None else column.numbers


def _is_whole(part: RangePart) -> bool:
    """Whether a range is one of whole numbers: both ends are, and the step, where one is given."""
    return all(isinstance(each, int) for each in (part.start, part.stop, part.step or 1))


def _steps(part: RangePart) -> int:
    return int((part.stop - part.start) / (part.step or 1) + 1e-9) + 1


def _of_range(part: RangePart) -> FloatArray:
    """Values of a range; rounded to whole numbers, each once, where both ends are whole."""
    if part.count is None:
        values = part.start + (part.step or 1) * np.arange(_steps(part), dtype=np.float64)
    elif part.spacing == "log":
        values = np.geomspace(part.start, part.stop, part.count)
    else:
        values = np.linspace(part.start, part.stop, part.count)
    return np.unique(np.round(values)) if _is_whole(part) else values


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
