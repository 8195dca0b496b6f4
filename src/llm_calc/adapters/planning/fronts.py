"""Pareto fronts over all candidates: found on closed forms, then each of its points estimated in full."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from llm_calc.adapters.planning.exact import Evaluated
from llm_calc.adapters.planning.rows import Rows
from llm_calc.adapters.planning.search import Bound, Prices, Search, most_replicas, possible_bounds
from llm_calc.core.arrays import FloatArray
from llm_calc.core.planning.front import pareto_front, spread
from llm_calc.core.planning.split import Split, with_fewer_each
from llm_calc.core.serving.estimate import Estimate

POINTS = 6
FRACTIONS = (0.5, 0.2, 0.05)
"""Of the requests that a replica can have: further points, faster and dearer than the first one of a candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A front by its two quantities of a replica on ``gpus`` GPUs at a price; less of ``cost`` is better."""

    name: str
    quantities: Callable[[Estimate, int, float], tuple[float, float]]
    less_is_better: bool

    def signed(self, estimate: Estimate, gpus: int, usd_per_hour: float) -> tuple[float, float]:
        """Both quantities so that more is better."""
        first, second = self.quantities(estimate, gpus, usd_per_hour)
        return (-first, -second) if self.less_is_better else (first, second)


def _speed(estimate: Estimate, gpus: int, _: float) -> tuple[float, float]:
    return 1 / float(estimate.tpot_s), float(estimate.output_tokens_per_s) / gpus


def _cost(estimate: Estimate, _: int, usd_per_hour: float) -> tuple[float, float]:
    return float(estimate.request_latency_s), usd_per_hour / 3600 / float(estimate.output_tokens_per_s) * 1e6


FRONTS = (
    Front(name="throughput_against_speed", quantities=_speed, less_is_better=False),
    Front(name="cost_against_latency", quantities=_cost, less_is_better=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A plan on a front."""

    x: float
    y: float
    plan: Evaluated


def front_candidates(search: Search, rows: Sequence[Rows], splits: Sequence[Split]) -> list[Bound]:
    """Every candidate at its own load and at smaller ones."""
    return [
        bound for each, split in zip(rows, splits, strict=True) for bound in _at_loads(search, each, split)
    ]


def _at_loads(search: Search, rows: Rows, found: Split) -> Iterator[Bound]:
    scene, load = search.scene, search.load
    yield from possible_bounds(rows, found, search.objective, search.prices)
    if load.kind == "offline":
        return
    most = most_replicas(rows, scene, search.prices)
    for fraction in FRACTIONS:
        fewer = with_fewer_each(rows.deployment, rows.family, scene.lengths, load, found, fraction, most)
        yield from possible_bounds(rows, fewer, search.objective, search.prices)


def front(
    kind: Front, search: Search, candidates: Sequence[Bound], plans: Sequence[Evaluated]
) -> list[Point]:
    """The plans that no other beats, by the first quantity in falling order; known plans take part."""
    values = np.array([_of_bound(kind, search.prices, bound) for bound in candidates]).reshape(-1, 2)
    chosen = spread(pareto_front(values[:, 0], values[:, 1]), POINTS)
    found = [plan for index in chosen if (plan := search.at(candidates[index])) is not None]
    return _points(kind, search.prices, [*found, *plans])


def _of_bound(kind: Front, prices: Prices, bound: Bound) -> tuple[float, float]:
    gpus = bound.row.layout.gpus
    return kind.signed(bound.estimate, gpus, _rent(prices, bound.row.gpu.id) * gpus)


def _rent(prices: Prices, gpu_id: str) -> float:
    price = prices[gpu_id]
    return price.usd_per_gpu_hour if price else np.inf


def _points(kind: Front, prices: Prices, plans: Sequence[Evaluated]) -> list[Point]:
    sizes = [(plan.row.layout.gpus, _rent(prices, plan.row.gpu.id)) for plan in plans]
    values: FloatArray = np.array(
        [kind.signed(plan.found, gpus, rent * gpus) for plan, (gpus, rent) in zip(plans, sizes, strict=True)]
    ).reshape(-1, 2)
    best = pareto_front(values[:, 0], values[:, 1])
    sign = -1.0 if kind.less_is_better else 1.0
    return [
        Point(x=float(sign * values[index, 0]), y=float(sign * values[index, 1]), plan=plans[index])
        for index in best
    ]
