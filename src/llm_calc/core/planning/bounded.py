"""Every candidate with a score that it hardly beats: closed forms of all rows at once."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Protocol

import numpy as np

from llm_calc.core.arrays import FloatArray, Quantity, smaller
from llm_calc.core.planning.bounds import Limits, under_load
from llm_calc.core.planning.candidates import C, Kind, Row, Rows
from llm_calc.core.planning.laid import Places
from llm_calc.core.planning.split import Load, Split, at_rate, shape_of, split_load
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Estimate

NEVER = math.inf
UNKNOWN = 1e30
"""A price or a power that is not known: plans rank behind all with one, and among each other as at any price
[USD/h, W]."""
LEAST_UNKNOWN = 1e15
"""What plans are ranked by lies below this where all of it is known."""
OBJECTIVES: Mapping[str, str] = {
    "cost": "fewest USD for a generated token",
    "budget": "fewest USD per hour",
    "throughput": "most generated tokens per second of one GPU",
    "latency": "least time of a request",
    "ttft": "least time to the first token",
    "tpot": "least time per further token",
    "energy": "least energy for a generated token",
    "gpus": "fewest GPUs",
}
FASTEST = frozenset(("latency", "ttft", "tpot"))
"""Of which as many replicas are taken as the limits allow."""


class Rent(Protocol):
    """What a GPU costs."""

    @property
    def usd_per_gpu_hour(self) -> float:
        """One of them [USD/h].

        Definition: rented, or owned.
        """


Prices = Mapping[str, Rent | None]
"""By GPU; None where it is not known."""


class Aim(Protocol):
    """What all candidates of a search are held to."""

    @property
    def limits(self) -> Limits:
        """What plans have to keep [s, GPUs, USD/h].

        Definition: as asked for.
        """

    @property
    def lengths(self) -> Lengths:
        """Of requests [tokens].

        Definition: as asked for, means where they vary.
        """

    @property
    def spare_replicas(self) -> int:
        """Beside those that the load needs [replicas].

        Definition: as asked for.
        """


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bound(Generic[C]):
    """A candidate, by its place in a split, with a score that it hardly beats; lower is better."""

    row: Row[C]
    split: Split
    place: int
    score: float

    @property
    def each(self) -> float:
        """The load of a replica [requests].

        Definition: as in the split.
        """
        return float(self.split.each[self.place, 0])

    @property
    def replicas(self) -> int:
        """How many replicas there are [replicas].

        Definition: as in the split.
        """
        return int(self.split.replicas[self.place, 0])

    @property
    def least(self) -> int:
        """The fewest replicas that are worth a run [replicas].

        Definition: as in the split.
        """
        return int(self.split.least[self.place, 0])

    @property
    def kind(self) -> Kind:
        """What is searched by itself."""
        return self.row.kind


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates(Generic[C]):
    """The rows of a split that may keep all limits; ``order``: scores, GPUs and latencies of all its rows."""

    rows: Rows[C]
    lengths: Lengths
    load: Load
    split: Split
    places: Places
    order: FloatArray

    @cached_property
    def alone(self) -> Estimate:
        """Every row under a single request, offline as in its split [s, tokens/s].

        Definition: its closed form at a load of one.
        """
        kind = self.load.kind
        shape = kind if kind == "offline" else shape_of(kind, self.rows.family)
        return under_load(self.rows.deployment, shape, self.lengths, np.ones_like(self.rows.gpus))

    def bound(self, place: int) -> Bound[C]:
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
    """What plans are ranked by, of one replica's estimate; lower is better [1].

    Definition: money, energy or GPUs of one replica, or of all, over what it puts out; or one of its times. A
    price or a power that is not known is ``UNKNOWN``.
    """
    usd_per_gpu_hour, tdp_w = smaller(usd_per_gpu_hour, UNKNOWN), smaller(tdp_w, UNKNOWN)
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


def bounds(rows: Rows[C], aim: Aim, load: Load, objective: str, prices: Prices) -> Candidates[C]:
    """Candidates that may keep all limits, in no order, and what was found out about all of them [1].

    Definition: scores of the closed forms of all rows at once.
    """
    most = most_replicas(rows, aim, prices)
    found = split_load(rows.deployment, rows.family, aim.lengths, load, aim.limits, most)
    power = rows.column(lambda gpu: gpu.tdp_w or NEVER)
    with np.errstate(divide="ignore"):  # rows that serve nothing
        least = found.replicas if load.fastest else found.least
        loaded, rate = found.estimate, load.amount / least
        each = at_rate(loaded, aim.lengths, rate) if load.kind == "request_rate" else loaded
        scores = score(objective, rows.gpus, rents(rows, prices), power, least, each)
    shape = rows.gpus.shape
    columns = (scores, rows.gpus * found.replicas, np.asarray(found.estimate.request_latency_s))
    order = np.concatenate([np.broadcast_to(each, shape) for each in columns], axis=1)
    return Candidates(
        rows=rows,
        lengths=aim.lengths,
        load=load,
        split=found,
        places=np.flatnonzero(found.possible[:, 0]),
        order=order,
    )


def rents(rows: Rows[C], prices: Prices) -> FloatArray:
    """One GPU of each row, as a column; infinite where it is not known [USD/h].

    Definition: its price as it is.
    """
    return rows.column(lambda gpu: usd_of(prices[gpu.id]))


def most_replicas(
    rows: Rows[C], aim: Aim, prices: Prices
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Replicas that the limits on GPUs and rent allow; none where a rent is limited and not known [replicas].

    Definition: the whole part of each limit over what a replica takes, less spare ones.
    """
    spare = float(aim.spare_replicas)
    most: FloatArray = np.floor(aim.limits.gpus / rows.gpus) - spare
    if math.isinf(aim.limits.usd_per_hour):
        return most
    each = rents(rows, prices) * rows.gpus
    return np.minimum(most, np.floor(aim.limits.usd_per_hour / each + 1e-9) - spare)


def usd_of(price: Rent | None) -> float:
    """One GPU; infinite where it is not known [USD/h].

    Definition: its price as it is.
    """
    return price.usd_per_gpu_hour if price else NEVER


def is_unknown(score: float) -> bool:
    """Whether what plans are ranked by is not known of one."""
    return score >= LEAST_UNKNOWN
