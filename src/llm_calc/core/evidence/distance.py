"""How far published runs are from a question: what its deployment says once, what its load says each time.

Only runs of the question's engine on the same model or the same GPU compare. How far one is from the question:

```
distance = model + gpu + weights + kv_cache + layout + load + lengths + requests + version
model    = 0 for the same shape of decoder (0.1 if asked by another name), else 6 + |log2 ratio of active parameters|
gpu      = 0 for the same, else 4 + |log2 ratio of memory bandwidths|
weights  = 0 for the same kind of numbers, else 1 + |log2 ratio of bits|
kv_cache = 0 for the same kind of numbers, else 0.5
layout   = 0.5 x sum over tensor, pipeline, data and expert of |log2 ratio|
load     = 0 for the same kind, else 1.5; one request at once is one kind, whichever way it was sent
lengths  = 0.5 x (|log2 ratio of input tokens| + |log2 ratio of output tokens|); 1 for each that a run lacks
requests = 0.5 x |log2 ratio of requests at once|, where both have a number of them
version  = 0.25 for another release than the one that the question names
```

The numbers are chosen, not fitted: 256 times the load on the same deployment is as far as another GPU, and another
GPU is nearer than another model. Runs further than ``FARTHEST`` are left out.

Users ask for one deployment under many loads: the runs that compare with it, and
how far they are but for the load, are kept for the last ones that were asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log2
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray

BoolArray: TypeAlias = npt.NDArray[np.bool_]
LAYOUT = ("tensor", "pipeline", "data", "expert")


class Texts:
    """A column of texts as codes: comparing whole numbers is faster than comparing texts."""

    def __init__(self, values: Iterable[str]) -> None:
        """Number the texts in the order in which they come."""
        self._codes: dict[str, int] = {}
        self._column = np.array([self._codes.setdefault(text, len(self._codes)) for text in values])

    def are(self, text: str) -> BoolArray:
        """Which entries are this text."""
        return np.asarray(self._column == self._codes.get(text, -1))

    def of(self, places: npt.NDArray[np.intp]) -> "Texts":
        """The entries at some places."""
        found = Texts(())
        found._codes, found._column = self._codes, self._column[places]
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class RunColumns:
    """The runs of one engine. Numbers are base-2 logarithms, NaN where a run lacks them.

    ``log_layout`` has a row for each of tensor, pipeline, data, expert.
    """

    model: Texts
    shape: Texts
    gpu: Texts
    weights: Texts
    kv_cache: Texts
    kind: Texts
    version: Texts
    log_parameters: FloatArray
    log_bandwidth: FloatArray
    log_bits: FloatArray
    log_layout: FloatArray
    log_input: FloatArray
    log_output: FloatArray
    log_requests: FloatArray


def columns_of(held: Mapping[str, Sequence[Any]], bandwidths: Mapping[str, float]) -> RunColumns:
    """Runs by their fields; ``bandwidths``: of the memory of each known GPU [bytes/s].

    Definition: base-2 logarithms of the numbers that the runs state.
    """

    def logs(name: str) -> FloatArray:
        return np.log2([value or np.nan for value in held[name]])

    return RunColumns(
        model=Texts(held["model"]),
        shape=Texts(held["shape"]),
        gpu=Texts(held["gpu"]),
        weights=Texts(held["weights_kind"]),
        kv_cache=Texts(held["kv_kind"]),
        kind=Texts(map(kind_of_run, held["load"], held["requests"])),
        version=Texts(version or "" for version in held["engine_version"]),
        log_parameters=logs("active_parameters"),
        log_bandwidth=np.log2([bandwidths.get(gpu, np.nan) for gpu in held["gpu"]]),
        log_bits=logs("weights_bits"),
        log_layout=np.array([np.log2(held[name]) for name in LAYOUT]),
        log_input=logs("input_tokens"),
        log_output=logs("output_tokens"),
        log_requests=logs("requests"),
    )


def kind_of_run(load: str, requests: int | None) -> str:
    """The kind of load; one request at a time is a single stream whichever way it was sent."""
    return "single_stream" if requests == 1 else load


FARTHEST = 12.0
OTHER_MODEL, OTHER_NAME, OTHER_GPU, OTHER_WEIGHTS, OTHER_CACHE = 6.0, 0.1, 4.0, 1.0, 0.5
OTHER_LOAD, OTHER_VERSION, DOUBLING, NO_LENGTH, NO_BANDWIDTH = 1.5, 0.25, 0.5, 1.0, 1.0
LIKE_LENGTH = float(np.log2(1.25))
"""Lengths of points of one curve differ by at most a quarter."""
KEPT = 64
"""Deployments whose runs are kept."""
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a question says whatever its load is, in the terms in which runs are compared.

    ``model``: the catalog's name, None where the request describes the model instead.
    """

    model: str | None
    shape: str
    active_parameters: int
    gpu: str
    bandwidth_bytes_per_s: float
    weights: str
    weights_bits: float
    kv_cache: str
    layout: tuple[int, int, int, int]
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a question says of its load; ``requests``: at once, of random arrivals as estimated, None offline."""

    kind: str
    input_tokens: int
    output_tokens: int
    requests: float | None


class Column:
    """Base-2 logarithms of some runs, and how far each is from a number; ``missing``: where a run lacks it."""

    def __init__(self, logs: FloatArray, missing: float) -> None:
        self.logs, self._halves = logs, DOUBLING * logs
        self._missing, self._lacking = missing, np.isnan(logs).nonzero()[0]

    def far(self, value: float) -> FloatArray:
        """Half of the doublings between each run and a value [1].

        Definition: ``0.5 |log2(run / value)|``; ``missing`` where a run lacks the number.
        """
        found: FloatArray = self._halves - DOUBLING * log2(value)
        np.abs(found, out=found)
        if len(self._lacking):
            found[self._lacking] = self._missing
        return found


class Near:
    """The runs of an engine that compare with a stack, and how far they are but for the load.

    ``alike``: those of the very stack, whatever their release.
    """

    def __init__(self, stack: Stack, runs: RunColumns) -> None:
        far, same_model, same_gpu = _stack_distances(stack, runs)
        self.places: Places = ((same_model | same_gpu) & (far <= FARTHEST)).nonzero()[0]
        self.far = far[self.places]
        self.kind: Texts = runs.kind.of(self.places)
        self.input_tokens = Column(runs.log_input[self.places], NO_LENGTH)
        self.output_tokens = Column(runs.log_output[self.places], NO_LENGTH)
        self.requests = Column(runs.log_requests[self.places], 0.0)
        self.renamed: BoolArray | None = None
        if stack.version is not None:
            self.renamed = ~runs.version.are(stack.version)[self.places]
        self.alike: Places = _alike(stack, runs, same_model & same_gpu)[self.places].nonzero()[0]
        self._by_kind: dict[str, FloatArray] = {}

    def distances(self, asked: Load) -> FloatArray:
        """How far each of the runs is from the stack under a load [1].

        Definition: the sum at the head of this module.
        """
        if asked.kind not in self._by_kind:
            self._by_kind[asked.kind] = self.far + OTHER_LOAD * ~self.kind.are(asked.kind)
        total = self._by_kind[asked.kind] + self.input_tokens.far(asked.input_tokens)
        total += self.output_tokens.far(asked.output_tokens)
        if asked.requests is not None:
            total += self.requests.far(asked.requests)
        if self.renamed is not None:
            total += OTHER_VERSION * self.renamed
        return total

    def nearest(self, asked: Load, most: int) -> tuple[int, list[tuple[int, float]]]:
        """How many runs are near enough to compare [rows], and places and distances of the nearest of them [1].

        Definition: those no further than ``FARTHEST``; of equals those that come first in the file.
        """
        far = self.distances(asked)
        comparable = int(np.count_nonzero(far <= FARTHEST))
        within = FARTHEST if comparable <= most else np.partition(far, most - 1)[most - 1]
        first = (far <= within).nonzero()[0]
        nearest = first[far[first].argsort(kind="stable")[:most]]
        return comparable, list(zip(self.places[nearest].tolist(), far[nearest].tolist(), strict=True))

    def points(self, asked: Load, kinds: tuple[str, ...]) -> list[int]:
        """Places of the runs of the very stack with like lengths, of these kinds of load [1].

        Definition: both lengths differ by no more than ``LIKE_LENGTH`` doublings.
        """
        own = self.alike
        if not len(own):
            return []
        like = np.logical_or.reduce([self.kind.are(kind)[own] for kind in kinds])
        for column, tokens in (
            (self.input_tokens, asked.input_tokens),
            (self.output_tokens, asked.output_tokens),
        ):
            like &= np.abs(column.logs[own] - np.log2(tokens)) <= LIKE_LENGTH
        found: list[int] = self.places[own[like]].tolist()
        return found


@lru_cache(KEPT)
def near(stack: Stack, runs: RunColumns) -> Near:
    """The runs that compare with a stack, kept for the last ones that were asked for."""
    return Near(stack, runs)


def _stack_distances(stack: Stack, runs: RunColumns) -> tuple[FloatArray, BoolArray, BoolArray]:
    """How far every run of an engine is from a stack, and which are of its model and of its GPU."""
    same_model, same_gpu = runs.shape.are(stack.shape), runs.gpu.are(stack.gpu)
    parameters = np.abs(runs.log_parameters - np.log2(stack.active_parameters))
    bandwidths = np.abs(runs.log_bandwidth - np.log2(stack.bandwidth_bytes_per_s))
    bandwidths[np.isnan(bandwidths)] = NO_BANDWIDTH
    renamed = 0.0 if stack.model is None else OTHER_NAME * ~runs.model.are(stack.model)
    total: FloatArray = np.where(same_model, renamed, OTHER_MODEL + parameters)
    total += ~same_gpu * (OTHER_GPU + bandwidths)
    total += ~runs.weights.are(stack.weights) * (
        OTHER_WEIGHTS + np.abs(runs.log_bits - np.log2(stack.weights_bits))
    )
    total += OTHER_CACHE * ~runs.kv_cache.are(stack.kv_cache)
    total += DOUBLING * np.abs(runs.log_layout - np.log2(stack.layout)[:, None]).sum(axis=0)
    return total, same_model, same_gpu


def _alike(stack: Stack, runs: RunColumns, same: BoolArray) -> BoolArray:
    """The runs of the very stack, whatever their load and release."""
    alike: BoolArray = same & runs.weights.are(stack.weights) & runs.kv_cache.are(stack.kv_cache)
    alike &= (runs.log_layout == np.log2(stack.layout)[:, None]).all(axis=0)
    return alike
