"""Pareto fronts over all candidates: found on closed forms, then each of its points estimated in full."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np

from llm_calc.core.arrays import FloatArray, Quantity
from llm_calc.core.costs import MILLION, SECONDS_PER_HOUR
from llm_calc.core.planning.bounded import Bound, Candidates, Prices, most_replicas, rents, usd_of
from llm_calc.core.planning.candidates import C, Rows
from llm_calc.core.planning.front import is_beaten, pareto_front, spread
from llm_calc.core.planning.in_full import P, W
from llm_calc.core.planning.laid import Places
from llm_calc.core.planning.search import BestFirst
from llm_calc.core.planning.split import Split, with_fewer_each
from llm_calc.core.serving.estimate import Estimate

POINTS = 6
BETWEEN, LEAST = (0.5, 0.2), 0.05
"""Of the requests that a replica can have: further points, faster and dearer than the first one of a candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A front by its two quantities of a replica on ``gpus`` GPUs at a price; less of ``cost`` is better."""

    name: str
    quantities: Callable[[Estimate, Quantity, Quantity], tuple[Quantity, Quantity]]
    less_is_better: bool

    def signed(self, estimate: Estimate, gpus: Quantity, usd_per_hour: Quantity) -> tuple[Quantity, Quantity]:
        """Both quantities so that more is better [tokens/s, s, USD per million].

        Definition: with the other sign where less is better.
        """
        first, second = self.quantities(estimate, gpus, usd_per_hour)
        return (-first, -second) if self.less_is_better else (first, second)


def _speed(estimate: Estimate, gpus: Quantity, _: Quantity) -> tuple[Quantity, Quantity]:
    return 1 / estimate.tpot_s, estimate.output_tokens_per_s / gpus


def _cost(estimate: Estimate, _: Quantity, usd_per_hour: Quantity) -> tuple[Quantity, Quantity]:
    return (
        estimate.request_latency_s,
        usd_per_hour / SECONDS_PER_HOUR / estimate.output_tokens_per_s * MILLION,
    )


FRONTS = (
    Front(name="throughput_against_speed", quantities=_speed, less_is_better=False),
    Front(name="cost_against_latency", quantities=_cost, less_is_better=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point(Generic[P]):
    """A plan on a front, and both quantities."""

    both: tuple[float, float]
    plan: P


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part(Generic[C]):
    """Rows under one split, and the places of those that may keep all limits."""

    rows: Rows[C]
    split: Split
    places: Places


def front_candidates(search: BestFirst[C, W, P], candidates: Sequence[Candidates[C]]) -> list[Part[C]]:
    """Every candidate at its own load and at smaller ones, as far as those may be on a front.

    A load between the own and the smallest is taken to be no faster than the smallest, and to put out no more than the
    own: where another candidate at either is ahead of both at once, it is not looked at.
    """
    own = [part for each in candidates if len((part := _part(each.rows, each.split)).places)]
    if search.load.kind == "offline":
        return own
    kept = [_part(part.rows.at(part.places), part.split.at(part.places)) for part in own]
    least = [_with_fewer(search, part, LEAST) for part in kept]
    found = []
    for part, full, last, places in zip(
        own, kept, least, _maybe_ahead(search.prices, kept, least), strict=True
    ):
        middle = Part(rows=full.rows.at(places), split=full.split.at(places), places=places)
        between = [_with_fewer(search, middle, fraction) for fraction in BETWEEN] if len(places) else []
        found += [part, *between, last]
    return [part for part in found if len(part.places)]


def _with_fewer(search: BestFirst[C, W, P], part: Part[C], fraction: float) -> Part[C]:
    """All rows with so much less a replica."""
    rows, scene = part.rows, search.scene
    most, lengths = most_replicas(rows, scene, search.prices), scene.lengths
    return _part(
        rows, with_fewer_each(rows.deployment, rows.family, lengths, search.load, part.split, fraction, most)
    )


def _maybe_ahead(prices: Prices, own: Sequence[Part[C]], least: Sequence[Part[C]]) -> list[Places]:
    """For each part the places of the rows that some load between may bring onto one of the fronts."""
    ahead = [np.zeros(len(part.rows.gpus), dtype=bool) for part in own]
    for kind in FRONTS if own else ():
        full, fast = ([_of_part(kind, prices, part) for part in parts] for parts in (own, least))
        reached = [values[part.places] for values, part in zip(fast, least, strict=True)]
        known = np.concatenate([*full, *reached])
        for at, values in enumerate(zip(full, fast, strict=True)):
            ahead[at] |= ~is_beaten(*np.maximum(*values).T, *known.T)
    return [np.flatnonzero(found) for found in ahead]


def _part(rows: Rows[C], split: Split) -> Part[C]:
    return Part(rows=rows, split=split, places=np.flatnonzero(split.possible[:, 0]))


def front(
    kind: Front, search: BestFirst[C, W, P], candidates: Sequence[Part[C]], plans: Sequence[P]
) -> list[Point[P]]:
    """The plans that no other beats, by the first quantity in falling order; known plans take part."""
    parts = [_of_part(kind, search.prices, part)[part.places] for part in candidates]
    values = np.concatenate(parts) if parts else np.empty((0, 2))
    chosen = spread(pareto_front(values[:, 0], values[:, 1]), POINTS)
    starts = np.cumsum([0, *(len(part.places) for part in candidates)])
    found = [plan for index in chosen if (plan := search.at(_bound(candidates, starts, index))) is not None]
    return _points(kind, search.prices, [*found, *plans])


def _of_part(kind: Front, prices: Prices, part: Part[C]) -> FloatArray:
    gpus = part.rows.gpus
    with np.errstate(divide="ignore"):  # rows that serve nothing
        both = kind.signed(part.split.estimate, gpus, rents(part.rows, prices) * gpus)
    return np.concatenate([np.broadcast_to(each, gpus.shape) for each in both], axis=1)


def _bound(parts: Sequence[Part[C]], starts: Places, index: int) -> Bound[C]:
    """The candidate with this number, over all parts."""
    at = int(np.searchsorted(starts, index, "right")) - 1
    part, place = parts[at], int(parts[at].places[index - starts[at]])
    return Bound(row=part.rows.row(place), split=part.split, place=place, score=np.inf)


def _points(kind: Front, prices: Prices, plans: Sequence[P]) -> list[Point[P]]:
    sizes = [(plan.row.layout.gpus, usd_of(prices[plan.row.gpu.id])) for plan in plans]
    values: FloatArray = np.array(
        [kind.signed(plan.found, gpus, rent * gpus) for plan, (gpus, rent) in zip(plans, sizes, strict=True)]
    ).reshape(-1, 2)
    best = pareto_front(values[:, 0], values[:, 1])
    sign = -1.0 if kind.less_is_better else 1.0
    return [
        Point(both=(float(sign * values[index, 0]), float(sign * values[index, 1])), plan=plans[index])
        for index in best
    ]
