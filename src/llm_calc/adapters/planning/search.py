"""The search: bounds for every candidate at once, then the best of them in full, best bound first."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from llm_calc.adapters.planning.exact import Evaluated, evaluate, holds
from llm_calc.adapters.planning.prices import GpuPrice
from llm_calc.adapters.planning.rows import Kind, Places, Row, Rows
from llm_calc.adapters.planning.scene import Scene
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.arrays import FloatArray, Quantity
from llm_calc.core.planning.bounds import under_load
from llm_calc.core.planning.split import LOADS, Load, Split, at_rate, fewest, shape_of, split_load
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Estimate

TRIES_A_KIND = 6
"""Candidates of a GPU, format and engine that may fail in full before the others of them are left."""
MARGIN = 0.02
"""By how much a bound has to beat a plan to be worth a look: closed forms and simulated runs differ by as much."""
LOAD_TRIES = 4
NEVER = math.inf

Prices = Mapping[str, GpuPrice | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bound:
    """A candidate, by its place in a split, with a score that it hardly beats; lower is better."""

    row: Row
    split: Split
    place: int
    score: float

    @property
    def each(self) -> float:
        """The load of a replica."""
        return float(self.split.each[self.place, 0])

    @property
    def replicas(self) -> int:
        """How many replicas there are."""
        return int(self.split.replicas[self.place, 0])

    @property
    def kind(self) -> Kind:
        """What is searched by itself."""
        return self.row.kind


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """The rows of a split that may keep all limits; ``order``: scores, GPUs and latencies of all its rows."""

    rows: Rows
    lengths: Lengths
    load: Load
    split: Split
    places: Places
    order: FloatArray

    @cached_property
    def alone(self) -> Estimate:
        """Every row under a single request (offline: as in its split)."""
        kind = self.load.kind
        shape = kind if kind == "offline" else shape_of(kind, self.rows.family)
        return under_load(self.rows.deployment, shape, self.lengths, np.ones_like(self.rows.gpus))

    def bound(self, place: int) -> Bound:
        """One of them."""
        row, value = self.rows.row(place), float(self.order[place, 0])
        return Bound(row=row, split=self.split, place=place, score=value)


def score(
    objective: str,
    gpus: Quantity,
    usd_per_gpu_hour: Quantity,
    tdp_w: Quantity,
    replicas: Quantity,
    found: Estimate,
) -> Quantity:
    """What plans are ranked by, of one replica's estimate; lower is better, infinite where it is not known."""
    values: dict[str, Callable[[], Quantity]] = {
        "cost": lambda: usd_per_gpu_hour * gpus / found.output_tokens_per_s,
        "budget": lambda: usd_per_gpu_hour * gpus * replicas,
        "throughput": lambda: -found.output_tokens_per_s / gpus,
        "latency": lambda: found.request_latency_s,
        "ttft": lambda: found.ttft_s,
        "tpot": lambda: found.tpot_s,
        "energy": lambda: tdp_w * gpus / found.output_tokens_per_s,
        "gpus": lambda: gpus * replicas,
    }
    return values[objective]()


def bounds(rows: Rows, scene: Scene, load: Load, objective: str, prices: Prices) -> Candidates:
    """Candidates that may keep all limits, in no order, and what was found out about all of them."""
    most = most_replicas(rows, scene, prices)
    found = split_load(rows.deployment, rows.family, scene.lengths, load, scene.limits, most)
    power = rows.column(lambda gpu: gpu.tdp_w or NEVER)
    with np.errstate(divide="ignore"):  # rows that serve nothing
        least = found.replicas if load.fastest else fewest(found.replicas)
        loaded, rate = found.estimate, load.amount / least
        each = at_rate(loaded, scene.lengths, rate) if load.kind == "request_rate" else loaded
        scores = score(objective, rows.gpus, rents(rows, prices), power, least, each)
    shape = rows.gpus.shape
    columns = (scores, rows.gpus * found.replicas, np.asarray(found.estimate.request_latency_s))
    order = np.concatenate([np.broadcast_to(each, shape) for each in columns], axis=1)
    return Candidates(
        rows=rows,
        lengths=scene.lengths,
        load=load,
        split=found,
        places=np.flatnonzero(found.possible[:, 0]),
        order=order,
    )


def rents(rows: Rows, prices: Prices) -> FloatArray:
    """USD an hour of one GPU of each row, as a column; infinite where it is not known."""
    return rows.column(lambda gpu: _usd(prices[gpu.id]))


def most_replicas(
    rows: Rows, scene: Scene, prices: Prices
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Replicas that the limits on GPUs and rent allow; none where a rent is limited and not known."""
    spare = float(scene.spare_replicas)
    most: FloatArray = np.floor(scene.limits.gpus / rows.gpus) - spare
    if math.isinf(scene.limits.usd_per_hour):
        return most
    each = rents(rows, prices) * rows.gpus
    return np.minimum(most, np.floor(scene.limits.usd_per_hour / each + 1e-9) - spare)


def _usd(price: GpuPrice | None) -> float:
    return price.usd_per_gpu_hour if price else NEVER


@dataclass(slots=True)
class Search:
    """Candidates estimated in full so far; each at most once a load."""

    scene: Scene
    load: Load
    objective: str
    prices: Prices
    named: bool = False
    """Whether the request names its GPUs: then those are tried too whose rank cannot be known."""
    done: dict[Row, Evaluated | None] = field(default_factory=dict)
    known: dict[tuple[object, ...], Evaluated | None] = field(default_factory=dict)

    @property
    def estimated(self) -> int:
        """How many candidates and loads were estimated in full."""
        return len(self.known)

    def best(self, candidates: Sequence[Candidates], most_gpus: int) -> list[Evaluated]:
        """The best plan of each GPU and format, best first: bounds first, as few in full as the order needs."""
        best: dict[tuple[str, str | None], Evaluated] = {}
        for first, ordered in _by_kind(candidates):
            if self._is_behind(first, self._last_shown(best, most_gpus)):
                break
            gpu, weights, _ = first.kind
            plan = self._best_of(ordered, best.get((gpu, weights)))
            if plan is not None:
                best[gpu, weights] = plan
        return sorted(best.values(), key=self.rank)

    def _last_shown(self, best: Mapping[tuple[str, str | None], Evaluated], most_gpus: int) -> float:
        """The score that a plan has to beat to be shown."""
        by_gpu: dict[str, float] = {}
        for (gpu, _), plan in best.items():
            by_gpu[gpu] = min(by_gpu.get(gpu, NEVER), self.rank(plan)[0])
        return sorted(by_gpu.values())[most_gpus - 1] if len(by_gpu) >= most_gpus else NEVER

    def _is_behind(self, bound: Bound, other: float) -> bool:
        """Whether even the bound of a candidate hardly beats a score."""
        if math.isinf(bound.score):
            return not self.named or other < NEVER
        return bound.score * (1 + math.copysign(MARGIN, bound.score)) >= other

    def _best_of(self, ordered: Iterable[Bound], found: Evaluated | None) -> Evaluated | None:
        """The best plan of one kind, if it beats ``found``: further candidates only while their bound does."""
        failed = 0
        for bound in ordered:
            if self._is_behind(bound, NEVER if found is None else self.rank(found)[0]):
                break
            if math.isinf(bound.score) and found is not None:
                break
            plan = self.full(bound)
            failed += plan is None and self._affordable(bound.row, bound.replicas)
            found = min((each for each in (found, plan) if each is not None), key=self.rank, default=None)
            if failed == TRIES_A_KIND:
                break
        return found

    def full(self, bound: Bound) -> Evaluated | None:
        """The candidate in full, with the most requests a replica that keep the limits.

        What does not hold the least of its loads holds none.
        """
        if bound.row not in self.done:
            loads = list(self._loads(bound))
            held = holds(self.scene, bound.row, loads[-1][1])
            self.done[bound.row] = next(filter(None, map(self._try, loads)), None) if held else None
        return self.done[bound.row]

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
        rates = workload.request_rate, workload.session_rate
        key = (id(bound.row), workload.load, workload.requests_in_flight, rates, replicas)
        if key not in self.known:
            filled = self.load.filled(workload.requests_in_flight, replicas)
            self.known[key] = evaluate(self.scene, bound.row, workload, replicas, filled)
        return self.known[key]

    def _affordable(self, row: Row, replicas: int) -> bool:
        limits, gpus = self.scene.limits, row.layout.gpus * (replicas + self.scene.spare_replicas)
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
            kept = load.fastest and self._affordable(bound.row, bound.replicas)
            first = bound.replicas if kept else int(fewest(bound.replicas))
            for replicas in range(first, first + LOAD_TRIES):
                yield bound, share_of(workload, load, replicas), replicas

    def rank(self, plan: Evaluated) -> tuple[float, ...]:
        """The objective; of equals the cheaper, then smaller, then faster."""
        usd, gpu = _usd(self.prices[plan.row.gpu.id]), plan.row.gpu
        gpus, found = plan.row.layout.gpus, plan.found
        own = float(score(self.objective, gpus, usd, gpu.tdp_w or NEVER, plan.replicas, found))
        return own, usd * plan.gpus, plan.gpus, float(found.request_latency_s)


def _by_kind(candidates: Sequence[Candidates]) -> Iterator[tuple[Bound, Iterator[Bound]]]:
    """The first and all candidates of each kind, kinds and candidates best bound first."""
    parts = [part for part in candidates if len(part.places)]
    if not parts:
        return
    order = np.concatenate([part.order[part.places] for part in parts])
    owners = np.repeat(np.arange(len(parts)), [len(part.places) for part in parts])
    places = np.concatenate([part.places for part in parts])
    known = dict[Kind, int]()
    codes = np.concatenate([part.rows.kinds(known)[part.places] for part in parts])
    sorting = np.lexsort((order[:, 2], order[:, 1], order[:, 0]))
    owners, places, codes = owners[sorting], places[sorting], codes[sorting]
    _, firsts = np.unique(codes, return_index=True)

    def bound(at: int) -> Bound:
        return parts[int(owners[at])].bound(int(places[at]))

    for first in np.sort(firsts).tolist():
        yield bound(first), map(bound, np.flatnonzero(codes == codes[first]).tolist())


def falling_loads(largest: float) -> list[int]:
    """The loads that are tried where it is open, from one above ``largest`` downwards."""
    above = LOADS[largest < LOADS][:1]
    below = LOADS[largest >= LOADS][::-1]
    return [int(each) for each in (*above, *below)]


def share_of(workload: WorkloadPart, load: Load, replicas: int) -> WorkloadPart:
    """What one of so many replicas serves; of users, the requests that they send."""
    if workload.session_rate is not None and workload.sessions is not None:
        return workload.model_copy(update={"session_rate": load.amount / replicas / workload.sessions.turns})
    if load.kind == "request_rate":
        own = {"users": None, "requests_per_user_per_minute": None}
        return workload.model_copy(update={**own, "request_rate": load.amount / replicas})
    return workload.model_copy(update={load.kind: math.ceil(load.amount / replicas)})
