"""A sweep made ready: validated, counted, and evaluated batch by batch."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.stopping import checkpoint
from llm_calc.adapters.sweep.grid import Column, Grid, Piece, SweepLimits, build_grid, placed
from llm_calc.adapters.sweep.serving import is_simulated
from llm_calc.adapters.sweep.targets import TARGETS, Target
from llm_calc.adapters.sweep.told import NOTHING_TOLD, Told, in_closed_form, told
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.adapters.wire.sweep import SweepRequest
from llm_calc.core.errors import CalcError, InvalidInputError, UnsupportedError
from llm_calc.core.varying import Figures, Varying

SIMULATED_UP_TO = 256
"""Rows that ``method: auto`` still simulates."""
SHORT_PIECE_ROWS = 64
MOST_KNOWN = 256
"""Set-ups whose figures are kept, where they have few rows: lists may name one more than once."""
ERROR = "error"
METHOD = "method"
CONFIDENCE = "confidence"
NOTES = "notes"
"""Words on a set-up, in the first of its rows alone."""
BETWEEN = " | "


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of one piece: what is the same in all of them, and columns that differ. ``count`` rows."""

    fixed: dict[str, Any]
    numbers: Figures
    count: int

    def split(self, notes: str) -> "list[Rows]":
        """The same with words in the first row alone."""
        first = {name: values[:1] for name, values in self.numbers.items()}
        rest = {name: values[1:] for name, values in self.numbers.items()}
        whole = [
            Rows(fixed={**self.fixed, NOTES: notes}, numbers=first, count=1),
            Rows(fixed=self.fixed, numbers=rest, count=self.count - 1),
        ]
        return [each for each in whole if each.count]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A validated sweep; batches are independent of each other and may be evaluated anywhere, in any order.

    ``method``: by the endpoint's own formulas, by its simulation row by row, or in closed form in place of it.
    """

    request: SweepRequest
    grid: Grid
    method: Literal["as_endpoint", "simulated", "closed_form"]
    known: dict[tuple[str, int, int], tuple[Figures, str | None]] = field(default_factory=dict, compare=False)
    told: dict[str, Told] = field(default_factory=dict, compare=False)

    @property
    def target(self) -> Target:
        """The endpoint that is swept."""
        return TARGETS[self.request.target]

    @property
    def fixed_columns(self) -> tuple[str, ...]:
        """Columns that change with the set-up only."""
        method = (METHOD,) if self.request.target == "serving_estimate" else ()
        return (*(column.path for column in self.grid.setups), *method, CONFIDENCE, NOTES, ERROR)

    @property
    def number_columns(self) -> tuple[str, ...]:
        """Columns that may change with every row: the other axes, then the figures."""
        return (*(column.path for column in self.grid.arrays), *self.target.figures)

    def batch(self, index: int, catalogs: Catalogs) -> list[Rows]:
        """The rows of one batch, counted from 0."""
        return [rows for piece in self.grid.pieces(index) for rows in self._rows(piece, catalogs)]

    def batches(self, catalogs: Catalogs) -> Iterator[list[Rows]]:
        """All batches, evaluated as they are asked for."""
        for index in range(self.grid.batches):
            yield self.batch(index, catalogs)

    def _rows(self, piece: Piece, catalogs: Catalogs) -> list[Rows]:
        """One piece; what cannot be set up becomes rows with an error."""
        checkpoint()
        varying, fixed = piece.varying, piece.fixed
        method = {METHOD: self.method} if self.request.target == "serving_estimate" else {}
        figures, error = self._remembered(piece, repr(fixed), catalogs)
        said = NOTHING_TOLD if error else self._told(piece, repr(fixed), catalogs)
        shared = {**fixed, **method, CONFIDENCE: said.confidence, NOTES: None, ERROR: error}
        rows = Rows(fixed=shared, numbers={**varying, **figures}, count=piece.rows)
        return rows.split(BETWEEN.join(said.notes)) if said.notes and piece.first == 0 else [rows]

    def _told(self, piece: Piece, fixed: str, catalogs: Catalogs) -> Told:
        """What is said of a set-up; kept while its rows, or a few others, are written."""
        if fixed not in self.told:
            if len(self.told) >= MOST_KNOWN:
                self.told.clear()
            found = told(self._first(piece), self._largest(piece), catalogs)
            self.told[fixed] = in_closed_form(found) if self.method == "closed_form" else found
        return self.told[fixed]

    def _remembered(self, piece: Piece, fixed: str, catalogs: Catalogs) -> tuple[Figures, str | None]:
        """Figures and error of a piece; those of short pieces are kept for set-ups that come again."""
        key = (fixed, piece.first, piece.last)
        found = self.known.get(key)
        if found is None:
            found = self._attempted(piece, catalogs)
            if piece.rows <= SHORT_PIECE_ROWS and len(self.known) < MOST_KNOWN:
                self.known[key] = found
        return found

    def _attempted(self, piece: Piece, catalogs: Catalogs) -> tuple[Figures, str | None]:
        try:
            return self._evaluate(piece, catalogs), None
        except CalcError as refusal:
            nothing = np.full(piece.rows, np.nan)
            return dict.fromkeys(self.target.figures, nothing), refusal.message

    def _first(self, piece: Piece) -> Any:  # noqa: ANN401 - a request of any target
        """The request of a set-up's first row."""
        first = {column.path: column.values[0] for column in self.grid.arrays}
        return self.target.validated(placed(self.request.base, {**first, **piece.fixed}))

    def _largest(self, piece: Piece) -> Any:  # noqa: ANN401 - a request of any target
        """The request of the most that a row of a set-up asks."""
        if not self.grid.arrays:
            return self._first(piece)
        most = {column.path: max(column.values) for column in self.grid.arrays}
        return self.target.validated(placed(self.request.base, {**most, **piece.fixed}))

    def _evaluate(self, piece: Piece, catalogs: Catalogs) -> Figures:
        request = self._first(piece)
        varying = Varying(values=piece.varying, rows=piece.rows, simulate=self.method == "simulated")
        return self.target.evaluate(request, varying, catalogs)


def ready_sweep(request: SweepRequest, catalogs: Catalogs, limits: int | SweepLimits) -> Sweep:
    """A sweep whose every value was checked and whose rows were counted; nothing is evaluated but the first row.

    Raises:
        InvalidInputError: too many rows, a field that the target does not have, or a value that it does not accept.
        CalcError: what all rows share cannot be calculated.
    """
    target = TARGETS[request.target]
    most = limits if isinstance(limits, SweepLimits) else SweepLimits(rows=limits)
    grid = build_grid(request.grid, target.arrays, most)
    first = placed(request.base, {column.path: column.values[0] for column in (*grid.setups, *grid.arrays)})
    _check_axes(target, request)
    _check_first(target, first, request)
    for column in (*grid.setups, *grid.arrays):
        _check_values(target, first, column, is_array=column in grid.arrays)
    sweep = Sweep(request=request, grid=grid, method=_method(request, target, first, grid))
    _check_simulated(sweep, most)
    _check_first_row(sweep, catalogs)
    return sweep


def _check_simulated(sweep: Sweep, limits: SweepLimits) -> None:
    if sweep.method == "simulated" and limits.setups is not None and sweep.grid.rows > limits.setups:
        msg = (
            f"method: as_endpoint simulates each of {sweep.grid.rows} rows; at most {limits.setups} are accepted at "
            "once, and any number in closed_form"
        )
        raise InvalidInputError(msg, field="method", rows=sweep.grid.rows, accepted=limits.setups)


def _check_axes(target: Target, request: SweepRequest) -> None:
    """Refuses an axis that no column of the target's rows depends on."""
    for path in request.grid:
        if path.partition(".")[0] in target.unswept:
            msg = f"grid.{path}: changes no column of rows of {request.target}; ask its endpoint, or serving_estimate"
            raise UnsupportedError(msg, field=f"grid.{path}")


def _check_first(target: Target, first: dict[str, Any], request: SweepRequest) -> None:
    """The request of the first row; what the grid put into it is called by its place in the grid."""
    try:
        target.validated(first)
    except InvalidInputError as error:
        path = (error.field or "").removeprefix("base.")
        if not any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in request.grid):
            raise
        words = error.message.removeprefix(f"base.{path}: ")
        raise InvalidInputError(f"grid.{path}: {words}", field=f"grid.{path}") from error


def _check_values(target: Target, first: dict[str, Any], column: Column, *, is_array: bool) -> None:
    """Every value of a set-up, equal ones once; the ends of an array, and one broken number if it holds any."""
    values = column.values
    if is_array:
        broken = next((value for value in values if not isinstance(value, int)), None)
        values = [min(values), max(values), *([] if broken is None else [broken])]
    for value in {repr(value): value for value in values}.values():
        checkpoint()
        try:
            target.validated(placed(first, {column.path: value}))
        except InvalidInputError as error:
            raise InvalidInputError(
                f"grid.{column.path}: {value!r} is not accepted ({error.message})",
                field=f"grid.{column.path}",
            ) from error


def _method(
    request: SweepRequest, target: Target, first: dict[str, Any], grid: Grid
) -> Literal["as_endpoint", "simulated", "closed_form"]:
    """How rows are answered: by the endpoint's own formulas, by its simulation, or in closed form in place of it."""
    asked = target.validated(first)
    _refuse_unswept(asked)
    if not isinstance(asked, ServingEstimateRequest):
        return "as_endpoint"
    arrays = {column.path: np.asarray(column.values, dtype=np.float64) for column in grid.arrays}
    if not is_simulated(asked.workload, arrays):
        return "as_endpoint"
    if asked.workload.is_stream and request.method == "closed_form":
        msg = (
            "method: sessions, classes and distributions have no closed form; as_endpoint simulates each row"
        )
        raise InvalidInputError(msg, field="method")
    if asked.workload.is_stream:
        return "simulated"
    small = request.method == "auto" and grid.rows <= SIMULATED_UP_TO
    return "simulated" if small or request.method == "as_endpoint" else "closed_form"


def _refuse_unswept(asked: object) -> None:
    """Lengths of rows are arrays, which no image lengthens; rows are timed on one kind of replica."""
    if getattr(getattr(asked, "workload", None), "images", None) is not None:
        msg = "base.workload.images: a sweep counts no images; add their tokens to workload.input_tokens"
        raise UnsupportedError(msg, field="base.workload.images")
    if getattr(asked, "disaggregated", None) is not None:
        msg = "base.disaggregated: a sweep times replicas that do both; serving_estimate and compare take it"
        raise UnsupportedError(msg, field="base.disaggregated")


def _check_first_row(sweep: Sweep, catalogs: Catalogs) -> None:
    """Refuse at once what no row could be answered for: an error that no set-up axis has a part in."""
    piece = Piece(grid=sweep.grid, setup=0, first=0, last=1)
    try:
        sweep._evaluate(piece, catalogs)  # noqa: SLF001 - one of its own
    except CalcError as error:
        if not sweep.grid.setups:
            raise
        parts = {column.path.partition(".")[0] for column in sweep.grid.setups}
        field = getattr(error, "field", None) or ""
        if (
            field
            and field.partition(".")[0] not in parts
            and not parts & {"hardware", "parallelism", "engine"}
        ):
            raise
