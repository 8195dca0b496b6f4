"""Held-out predictions by how new they were to their fit, and the ranges of questions as new."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from zlib import crc32

import numpy as np
import numpy.typing as npt

from llm_calc.adapters.certainty import FEW_MODELS
from llm_calc.core.arrays import FloatArray
from llm_calc.core.calibration import HeldOutError
from llm_calc.core.novelty import PLACES, Newness, errors_told, widened
from llm_calc.core.serving.calibrated import FIRST_VENDOR, maker_key, maker_of
from tools.calibrate.cases import Case
from tools.calibrate.drift import pair_of
from tools.calibrate.evaluate import Fitted
from tools.calibrate.folds import folds, label, setting_group
from tools.calibrate.offsets import measured_shape
from tools.calibrate.parameters import Rows
from tools.calibrate.ranges import FEW, group_range, own_range

LEAST_TOLD, LEAST_OF_PAIR = 10, 30
"""Cases, from which on a maker, and a pair of engine and chips, has a range of its own."""
PARTS = 12
RATES = ("decode_tokens_per_s", "prefill_tokens_per_s")
Labels = npt.NDArray[np.str_]


def as_times(cases: Sequence[Case], residuals: FloatArray) -> FloatArray:
    """Rates of one request or batch as the times that answers give: a rate too high is a time too low."""
    return np.where([case.row.metric in RATES for case in cases], -residuals, residuals)


def newness(cases: Sequence[Case], usable: "npt.NDArray[np.bool_]", held_out: str) -> Sequence[Newness]:
    """What the fit without its fold had seen of every case: as answers tell it, from the keys of the others."""
    fold_of = folds(cases, held_out)
    keys = [_keys(case) for case in cases]
    found: list[Newness | None] = [None] * len(cases)
    for fold in np.unique(fold_of):
        others = np.flatnonzero(usable & (fold_of != fold)).tolist()
        seen = _Seen.of([cases[at] for at in others], [keys[at] for at in others])
        for at in np.flatnonzero(fold_of == fold).tolist():
            found[at] = seen.newness(cases[at], keys[at])
    return [each for each in found if each is not None]


def _keys(case: Case) -> Mapping[str, str]:
    """What must have been seen, by what is new where it was not."""
    row = case.row
    return {
        "vendor": maker_key(row.engine, case.vendor),
        "generation": pair_of(case),
        "gpu": row.gpu,
        "model": f"{row.engine}/{row.gpu}/{measured_shape(row.model)}",
    }


@dataclass(frozen=True)
class _Seen:
    keys: frozenset[tuple[str, str]]
    shapes: frozenset[str]
    models: Mapping[str, int]

    @classmethod
    def of(cls, cases: Sequence[Case], keys: Sequence[Mapping[str, str]]) -> "_Seen":
        models: dict[str, set[str]] = defaultdict(set)
        for case in cases:
            for where in (case.row.engine, f"{case.row.engine}/{case.row.gpu}"):
                models[where].add(measured_shape(case.row.model))
        return cls(
            keys=frozenset(item for each in keys for item in each.items()),
            shapes=frozenset().union(*models.values()),
            models={where: len(some) for where, some in models.items()},
        )

    def newness(self, case: Case, keys: Mapping[str, str]) -> Newness:
        place = next((name for name, key in keys.items() if (name, key) not in self.keys), "row")
        maker, engine = maker_of(case.vendor), case.row.engine
        counted = f"{engine}/{case.row.gpu}" if place == "model" and maker != FIRST_VENDOR else engine
        return Newness(
            place=place,
            pair=pair_of(case),
            maker=maker,
            known_model=measured_shape(case.row.model) in self.shapes,
            few_models=self.models.get(counted, 0) < FEW_MODELS,
        )


@dataclass(frozen=True)
class Samples:
    """Predictions of one load and metric by fits that had not seen something, and how new each was.

    ``residuals``: ln(predicted / measured) as of times.
    """

    load: str
    metric: str
    cases: Sequence[Case]
    new: Sequence[Newness]
    residuals: FloatArray

    def chosen(self, rows: Rows) -> "Samples":
        """Some of them."""
        cases, new = [self.cases[at] for at in rows.tolist()], [self.new[at] for at in rows.tolist()]
        return Samples(self.load, self.metric, cases, new, self.residuals[rows])

    def of_place(self, place: str, maker: str = "") -> "Samples":
        """Those to which this was new, on the chips of one maker or of all."""
        known = [each.place == place and maker in ("", each.maker) for each in self.new]
        return self.chosen(np.flatnonzero(known))

    def without(self, held_out: str, name: str) -> "Samples":
        """Those of other groups of a kind."""
        return self.chosen(np.flatnonzero([label(case, held_out) != name for case in self.cases]))

    def errors(self) -> Iterator[HeldOutError]:
        """Of every place, all makers together and each by itself."""
        for place in PLACES[:-1]:
            own = self.of_place(place)
            for maker in ("", *sorted({each.maker for each in own.new})):
                some = own.of_place(place, maker)
                if len(some.cases) >= (LEAST_TOLD if maker else 1):
                    yield some.told(own, place, maker)

    def told(self, everybody: "Samples", place: str, maker: str) -> HeldOutError:
        """The error of a maker: of a single group, which tells no other how far off it is, no narrower than of all.

        The group's own range is as it was met: of AMD's servers, all of one model, twice as wide held every case.
        """
        error = self.error(place, maker=maker)
        if not maker or len({label(case, place) for case in self.cases}) > 1:
            return error
        low, high = own_range(-self.residuals)
        return widened(replace(error, low_log=low, high_log=high), everybody.error(place))

    def error(self, held_out: str, *, pair: str = "", maker: str = "") -> HeldOutError:
        """Mean and median error, and the range of ln(measured / predicted) that holds 80 % of new groups' cases."""
        off = np.abs(np.expm1(self.residuals))
        low, high = group_range(-self.residuals, self.groups(held_out))
        return HeldOutError(
            load=self.load,
            metric=self.metric,
            held_out=held_out,
            measurements=len(self.residuals),
            mean_fraction=float(off.mean()),
            median_fraction=float(np.median(off)),
            low_log=low,
            high_log=high,
            pair=pair,
            maker=maker,
        )

    def groups(self, held_out: str) -> Labels:
        """What a range must hold for as a whole; of few GPUs or models each stack, of rows twelfths of the settings."""
        if held_out == "row":
            return np.array([f"{crc32(setting_group(case).encode()) % PARTS}" for case in self.cases])
        names = [label(case, held_out) for case in self.cases]
        if held_out == "vendor" or len(set(names)) >= FEW:
            return np.array(names)
        stacks = [f"{case.row.engine}/{case.row.gpu}/{case.row.model}" for case in self.cases]
        return np.array([f"{name} {stack}" for name, stack in zip(names, stacks, strict=True)])


@dataclass(frozen=True)
class Blind:
    """Everything that fits said of one load and metric which they had not seen.

    ``new`` and ``residuals`` (as of times; NaN: not predicted, or set aside) by what was held out, for all ``cases``.
    """

    load: str
    metric: str
    cases: Sequence[Case]
    new: Mapping[str, Sequence[Newness]]
    residuals: Mapping[str, FloatArray]

    @cached_property
    def samples(self) -> Samples:
        """All of them to which more was new than their row."""
        found = [
            (self.cases[at], self.new[way][at], float(values[at]))
            for way, values in self.residuals.items()
            for at in np.flatnonzero(np.isfinite(values)).tolist()
            if self.new[way][at].place != "row"
        ]
        return Samples(
            self.load,
            self.metric,
            [case for case, _, _ in found],
            [new for _, new, _ in found],
            np.array([value for _, _, value in found]),
        )

    @cached_property
    def rows(self) -> Samples:
        """Those of which nothing was new but the row."""
        values, new = self.residuals["row"], self.new["row"]
        known = np.flatnonzero(np.isfinite(values))
        cases, news = [self.cases[at] for at in known.tolist()], [new[at] for at in known.tolist()]
        return Samples(self.load, self.metric, cases, news, values[known])

    def ranges_without(self, held_out: str) -> FloatArray:
        """What would be told of every case if nothing of its group were known, neither times nor ranges [ln].

        Bounds of ln(predicted / measured), shape (cases, 2); NaN where there are none.
        """
        found = np.full((len(self.cases), 2), np.nan)
        known = np.isfinite(self.residuals[held_out])
        names = np.array([label(case, held_out) for case in self.cases])
        for name in np.unique(names[known]):
            errors = [
                *self.samples.without(held_out, name).errors(),
                *_of_pairs(self.rows.without(held_out, name)),
            ]
            for at in np.flatnonzero(known & (names == name)).tolist():
                told = errors_told(errors, self.new[held_out][at])
                found[at] = (-told[0].high_log, -told[0].low_log) if told else np.nan
        return found

    def held(self, held_out: str) -> "npt.NDArray[np.bool_]":
        """Whether these ranges hold each case."""
        low, high = self.ranges_without(held_out).T
        return np.asarray((self.residuals[held_out] >= low) & (self.residuals[held_out] <= high))


def _of_pairs(rows: Samples) -> Iterator[HeldOutError]:
    """Of the rows of every pair of engine and chips with enough of them."""
    pairs = np.array([pair_of(case) for case in rows.cases])
    for pair in np.unique(pairs).tolist() if len(pairs) else ():
        some = rows.chosen(np.flatnonzero(pairs == pair))
        if len(some.cases) >= LEAST_OF_PAIR:
            yield some.error("row", pair=pair)


def blind_of(fitted: Fitted, kind: tuple[str, str], residuals: Mapping[str, FloatArray]) -> Blind:
    """One load and metric of a family; ``residuals``: of all of its cases by what was held out, NaN for others."""
    times = {way: as_times(fitted.cases, values) for way, values in residuals.items()}
    return Blind(*kind, fitted.cases, {way: _newness_of(fitted, way) for way in times}, times)


_KNOWN: dict[tuple[int, str], Sequence[Newness]] = {}


def _newness_of(fitted: Fitted, way: str) -> Sequence[Newness]:
    """Once for all metrics of a family."""
    key = id(fitted.cases), way
    if key not in _KNOWN:
        _KNOWN[key] = newness(fitted.cases, fitted.fitted > 0, way)
    return _KNOWN[key]
