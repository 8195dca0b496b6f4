"""How times a token moved from release to release, as runs of one setting on several days tell it."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from llm_calc.adapters.release_days import release_day
from llm_calc.core.arrays import FloatArray
from llm_calc.core.calibration import Drift
from tools.calibrate.cases import Case
from tools.calibrate.measurements import Measurement
from tools.calibrate.parameters import Rows

WALK, MONTH_DAYS = 0.12, 30.0
"""What a month changes, one standard deviation [ln]; releases that change more count less, as outliers do."""
NOISE = 0.05
"""What two runs of one release differ by [ln]."""
LEAST = 10
"""Fewer runs of repeated settings tell nothing."""
APART_DAYS = 7
ROUNDS = 30


def day_of(row: Measurement) -> int | None:
    """Day of a run; None where the source does not tell it."""
    return dt.date.fromisoformat(row.date).toordinal() if row.date else None


def told_day(row: Measurement) -> int | None:
    """Day of the release that the source names, of runs whose day is known: others are where the middle is."""
    day = release_day(row.engine, row.engine_version) if row.date and row.engine_version else None
    return None if day is None else day.toordinal()


def pair_of(case: Case) -> str:
    """The engine and the class of chips whose times move together."""
    return f"{case.row.engine}/{case.chip}"


@dataclass(frozen=True)
class Drifts:
    """Drifts by pair; none of pairs of which no setting was run on several days."""

    by_pair: Mapping[str, Drift] = field(default_factory=dict)

    def own(self, cases: Sequence[Case]) -> FloatArray:
        """ln(time / that of the middle) of each case on its day; 0 where that is not known."""
        return np.array([self._at(case, day_of(case.row)) for case in cases])

    def told(self, cases: Sequence[Case]) -> FloatArray:
        """The same of the release that each case names: what an answer knows."""
        return np.array([self._at(case, told_day(case.row)) for case in cases])

    def _at(self, case: Case, day: int | None) -> float:
        drift = self.by_pair.get(pair_of(case)) if _moves(case.row) else None
        return 0.0 if drift is None or day is None else float(np.log(drift.factor(day)))


def learned(cases: Sequence[Case], rows: "npt.NDArray[np.bool_]") -> Drifts:
    """Drifts of all pairs among the chosen cases, zero at the median of their runs."""
    members: dict[str, list[Case]] = defaultdict(list)
    for at in np.flatnonzero(rows).tolist():
        if _moves(cases[at].row) and day_of(cases[at].row) is not None:
            members[pair_of(cases[at])].append(cases[at])
    found = {pair: _learned(pair, some) for pair, some in members.items()}
    return Drifts({pair: drift for pair, drift in found.items() if drift is not None})


def _moves(row: Measurement) -> bool:
    return row.load == "closed_loop" and row.metric == "tpot_s"


def _learned(pair: str, cases: Sequence[Case]) -> Drift | None:
    settings: dict[object, list[Case]] = defaultdict(list)
    for case in cases:
        settings[case.row.setting, case.row.requests].append(case)
    several = [some for some in settings.values() if _apart(some)]
    if sum(map(len, several)) < LEAST:
        return None
    groups = np.repeat(np.arange(len(several)), [len(some) for some in several])
    days = np.array([float(day_of(case.row) or 0) for some in several for case in some])
    values = np.log([case.row.value for some in several for case in some])
    knots = np.unique(days)
    logs = _walk(days, values, groups, knots)
    middle = np.median(np.interp([float(day_of(case.row) or 0) for case in cases], knots, logs))
    return Drift(pair=pair, points=tuple(zip(map(int, knots), (logs - middle).tolist(), strict=True)))


def _apart(cases: Sequence[Case]) -> bool:
    days = [day_of(case.row) or 0 for case in cases]
    return max(days) - min(days) > APART_DAYS


def _walk(days: FloatArray, values: FloatArray, groups: Rows, knots: FloatArray) -> FloatArray:
    """Logarithms at the knots: a walk under values with a level a group; what jumps counts less, in both.

    Minimised is ``sum w ((value - level - walk) / noise)^2 + sum v (step / (walk x sqrt(months)))^2``, ``w`` and ``v``
    those of soft-L1: times fall within days where a release brings new kernels, and rest between.
    """
    design = (days[:, None] == knots).astype(np.float64)
    steps = np.diff(np.eye(len(knots)), axis=0) / (WALK * np.sqrt(np.diff(knots) / MONTH_DAYS))[:, None]
    weights: FloatArray = np.ones(len(days))
    logs: FloatArray = np.zeros(len(knots))
    for _ in range(ROUNDS):
        inner, left = _without_levels(design, weights, groups), _without_levels(values, weights, groups)
        weighted = (inner.T * weights) / NOISE**2
        rare = 1 / np.sqrt(1 + (steps @ logs) ** 2)
        matrix = weighted @ inner + (steps.T * rare) @ steps + 1e-6 * np.eye(len(knots))
        logs = np.asarray(np.linalg.solve(matrix, weighted @ left))
        weights = np.asarray(1 / np.sqrt(1 + ((left - inner @ logs) / NOISE) ** 2))
    return logs


def _without_levels(values: FloatArray, weights: FloatArray, groups: Rows) -> FloatArray:
    """Values less the weighted mean of their group."""
    columns = values.reshape(len(values), -1)
    sums = [np.bincount(groups, weights * column) for column in columns.T]
    means = (np.array(sums) / np.bincount(groups, weights)).T
    return np.asarray((columns - means[groups]).reshape(values.shape))
