"""Every candidate with a score that it hardly beats: closed forms of all rows at once."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from llm_calc.adapters.planning.prices import GpuPrice
from llm_calc.adapters.planning.rows import Kind, Places, Row, Rows
from llm_calc.adapters.planning.scene import Scene
from llm_calc.core.arrays import FloatArray, Quantity
from llm_calc.core.planning.bounds import under_load
from llm_calc.core.planning.split import Load, Split, at_rate, shape_of, split_load
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Estimate

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
    def least(self) -> int:
        """The fewest replicas that are worth a run."""
        return int(self.split.least[self.place, 0])

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
        least = found.replicas if load.fastest else found.least
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
    return rows.column(lambda gpu: usd_of(prices[gpu.id]))


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


def usd_of(price: GpuPrice | None) -> float:
    """USD an hour of one GPU; infinite where it is not known."""
    return price.usd_per_gpu_hour if price else NEVER
