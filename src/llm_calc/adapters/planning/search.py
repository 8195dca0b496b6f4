"""The search: bounds for every candidate at once, then the best of them in full, best bound first."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llm_calc.adapters.planning.exact import Evaluated, Scene, evaluate
from llm_calc.adapters.planning.prices import GpuPrice
from llm_calc.adapters.planning.rows import Row, Rows
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.arrays import Quantity
from llm_calc.core.planning.split import LOADS, Load, Split, split_load
from llm_calc.core.serving.estimate import Estimate

SECONDS_PER_HOUR = 3600
EVERYTHING_UP_TO = 48
"""So many candidates are all estimated in full."""
TRIES_A_KIND = 5
MARGIN = 0.02
"""By how much a bound has to beat a plan to be worth a look: closed forms and simulated runs differ by as much."""
LOAD_TRIES = 4
NEVER = math.inf

Prices = Mapping[str, GpuPrice | None]
Kind = tuple[str, str | None]
"""A GPU and a weight format: the best plan of each is reported."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bound:
    """A candidate with the load of a replica, the replicas, and a score that it hardly beats; lower is better."""

    row: Row
    each: float
    replicas: int
    score: float
    estimate: Estimate

    @property
    def kind(self) -> Kind:
        """What one plan is reported of."""
        return self.row.gpu.id, self.row.choice.part.weights

    @property
    def gpus(self) -> int:
        """GPUs of all replicas."""
        return self.row.layout.gpus * self.replicas


def score(objective: str, row: Row, replicas: float, found: Estimate, price: GpuPrice | None) -> float:
    """What a plan is ranked by, of one replica's estimate; lower is better, infinite where it is not known."""
    output = float(found.output_tokens_per_s)
    gpus = row.layout.gpus
    usd_per_hour = price.usd_per_gpu_hour * gpus if price else NEVER
    values: dict[str, Callable[[], float]] = {
        "cost": lambda: usd_per_hour / output,
        "budget": lambda: usd_per_hour * replicas,
        "throughput": lambda: -output / gpus,
        "latency": lambda: float(found.request_latency_s),
        "ttft": lambda: float(found.ttft_s),
        "tpot": lambda: float(found.tpot_s),
        "energy": lambda: (row.gpu.tdp_w or NEVER) * gpus / output,
        "gpus": lambda: gpus * replicas,
    }
    return values[objective]()


def bounds(rows: Rows, scene: Scene, load: Load, objective: str, prices: Prices) -> tuple[list[Bound], Split]:
    """Candidates that may keep all limits, in no order, and what was found out about all of them."""
    most = most_replicas(rows, scene, prices)
    found = split_load(rows.deployment, rows.family, scene.lengths, load, scene.limits, most)
    return possible_bounds(rows, found, objective, prices), found


def possible_bounds(rows: Rows, found: Split, objective: str, prices: Prices) -> list[Bound]:
    """The rows of a split that may keep all limits."""
    possible = np.flatnonzero(found.possible[:, 0])
    return [_bound(rows, found, int(index), objective, prices) for index in possible]


def most_replicas(
    rows: Rows, scene: Scene, prices: Prices
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Replicas that the limits on GPUs and rent allow; none where a rent is limited and not known."""
    most = np.floor(scene.limits.gpus / rows.gpus)
    if math.isinf(scene.limits.usd_per_hour):
        return most
    each = np.array([[_usd(prices[row.gpu.id])] for row in rows.rows]) * rows.gpus
    return np.minimum(most, np.floor(scene.limits.usd_per_hour / each + 1e-9))


def _usd(price: GpuPrice | None) -> float:
    return price.usd_per_gpu_hour if price else NEVER


def _bound(rows: Rows, found: Split, index: int, objective: str, prices: Prices) -> Bound:
    row, replicas = rows.rows[index], int(found.replicas[index, 0])
    estimate = element(found.estimate, index)
    return Bound(
        row=row,
        each=float(found.each[index, 0]),
        replicas=replicas,
        score=score(objective, row, replicas, estimate, prices[row.gpu.id]),
        estimate=estimate,
    )


def element(estimate: Estimate, index: int) -> Estimate:
    """One row of an estimate of many."""

    def one(values: Quantity) -> float:
        return float(np.asarray(values)[index, 0])

    return Estimate(
        ttft_s=one(estimate.ttft_s),
        tpot_s=one(estimate.tpot_s),
        request_latency_s=one(estimate.request_latency_s),
        output_tokens_per_s=one(estimate.output_tokens_per_s),
        total_tokens_per_s=one(estimate.total_tokens_per_s),
        requests_per_s=one(estimate.requests_per_s),
        running=one(estimate.running),
    )


@dataclass(slots=True)
class Search:
    """Candidates estimated in full so far; each at most once a load."""

    scene: Scene
    load: Load
    objective: str
    prices: Prices
    done: dict[int, Evaluated | None]
    estimated: int = 0

    def best(self, candidates: Sequence[Bound], most_kinds: int) -> list[Evaluated]:
        """The best plan of each kind, best first: bounds first, as few in full as the order needs."""
        ordered = sorted(candidates, key=_order)
        if len(ordered) <= EVERYTHING_UP_TO:
            return self.one_a_kind([plan for plan in map(self.full, ordered) if plan is not None])
        plans: list[Evaluated] = []
        for candidates_of_kind in _by_kind(ordered):
            plans += self._best_of(candidates_of_kind)
            if len({plan.row.gpu.id for plan in plans}) >= most_kinds:
                break
        return self.one_a_kind(plans)

    def _best_of(self, ordered: Sequence[Bound]) -> list[Evaluated]:
        """Plans of one kind: further candidates only while their bound beats what was found."""
        plans: list[Evaluated] = []
        for bound in ordered[:TRIES_A_KIND]:
            best = min((self.rank(plan)[0] for plan in plans), default=NEVER)
            if bound.score * (1 + math.copysign(MARGIN, bound.score)) >= best:
                break
            plan = self.full(bound)
            plans += [plan] if plan else []
        return plans

    def full(self, bound: Bound) -> Evaluated | None:
        """The candidate in full, with the most requests a replica that keep the limits."""
        key = id(bound)
        if key not in self.done:
            self.done[key] = next(filter(None, map(self._try, self._loads(bound))), None)
        return self.done[key]

    def at(self, bound: Bound) -> Evaluated | None:
        """The candidate in full under exactly this load."""
        workload = self.scene.workload
        if self.load.open:
            each = workload.model_copy(update={"concurrency": max(1, round(bound.each))})
            return self._try((bound, each, 1))
        if self.load.kind == "offline":
            return self._try((bound, workload, 1))
        return self._try((bound, share_of(workload, self.load, bound.replicas), bound.replicas))

    def _try(self, attempt: tuple[Bound, WorkloadPart, int]) -> Evaluated | None:
        bound, workload, replicas = attempt
        if not self._affordable(bound.row, replicas):
            return None
        self.estimated += 1
        return evaluate(self.scene, bound.row, workload, replicas)

    def _affordable(self, row: Row, replicas: int) -> bool:
        limits, gpus = self.scene.limits, row.layout.gpus * replicas
        if math.isinf(limits.usd_per_hour):
            return gpus <= limits.gpus
        return gpus <= limits.gpus and _usd(self.prices[row.gpu.id]) * gpus <= limits.usd_per_hour

    def _loads(self, bound: Bound) -> Iterator[tuple[Bound, WorkloadPart, int]]:
        """Loads of a replica from slightly more than the bound allows to ever fewer."""
        workload, load = self.scene.workload, self.load
        if load.kind == "offline":
            yield bound, workload, 1
        elif load.open:
            for each in falling_loads(bound.each)[:LOAD_TRIES]:
                yield bound, workload.model_copy(update={"concurrency": each}), 1
        else:
            first = max(1, bound.replicas - (0 if load.fastest else 1))
            for replicas in range(first, first + LOAD_TRIES):
                yield bound, share_of(workload, load, replicas), replicas

    def one_a_kind(self, plans: Sequence[Evaluated]) -> list[Evaluated]:
        """The best plan of each GPU and weight format, best first."""
        best: dict[Kind, Evaluated] = {}
        for plan in sorted(plans, key=self.rank):
            best.setdefault((plan.row.gpu.id, plan.row.choice.part.weights), plan)
        return list(best.values())

    def rank(self, plan: Evaluated) -> tuple[float, ...]:
        """The objective; of equals the cheaper, then smaller, then faster."""
        price = self.prices[plan.row.gpu.id]
        own = score(self.objective, plan.row, plan.replicas, plan.found, price)
        return own, _usd(price) * plan.gpus, plan.gpus, float(plan.found.request_latency_s)


def _order(bound: Bound) -> tuple[float, ...]:
    return bound.score, bound.gpus, float(bound.estimate.request_latency_s)


def _by_kind(ordered: Sequence[Bound]) -> list[list[Bound]]:
    """Candidates by kind, kinds and candidates best bound first."""
    kinds: dict[Kind, list[Bound]] = {}
    for bound in ordered:
        kinds.setdefault(bound.kind, []).append(bound)
    return list(kinds.values())


def falling_loads(largest: float) -> list[int]:
    """The loads that are tried where it is open, from one above ``largest`` downwards."""
    above = LOADS[largest < LOADS][:1]
    below = LOADS[largest >= LOADS][::-1]
    return [int(each) for each in (*above, *below)]


def share_of(workload: WorkloadPart, load: Load, replicas: int) -> WorkloadPart:
    """What one of so many replicas serves."""
    if load.kind == "request_rate":
        return workload.model_copy(update={"request_rate": load.amount / replicas})
    return workload.model_copy(update={load.kind: math.ceil(load.amount / replicas)})
