"""The published runs as columns, one set of them an engine: built at the first question, kept with the catalogs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.engine_catalog import load_engine_rules
from llm_calc.adapters.measured_runs import RunRow, load_runs
from llm_calc.core.arrays import FloatArray

BoolArray: TypeAlias = npt.NDArray[np.bool_]
LAYOUT = ("tensor", "pipeline", "data", "expert")
GENERIC = "generic"


class Texts:
    """A column of texts as codes: comparing whole numbers is faster than comparing texts."""

    def __init__(self, values: Iterable[str]) -> None:
        """Number the texts in the order in which they come."""
        self._codes: dict[str, int] = {}
        self._column = np.array([self._codes.setdefault(text, len(self._codes)) for text in values])

    def are(self, text: str) -> BoolArray:
        """Which entries are this text."""
        return np.asarray(self._column == self._codes.get(text, -1))


@dataclass(frozen=True, kw_only=True, eq=False)
class EngineRuns:
    """The runs of one engine. Numbers are base-2 logarithms, NaN where a run lacks them.

    ``log_layout`` has a row for each of tensor, pipeline, data, expert.
    """

    rows: Sequence[RunRow]
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


@lru_cache(maxsize=4)
def index_of(catalogs: Catalogs) -> Mapping[str, EngineRuns]:
    """All published runs by the engine whose rules they follow.

    Raises:
        CatalogError: a line of the file is wrong; names it.
    """
    known = load_engine_rules()
    by_engine: dict[str, list[RunRow]] = {}
    for row in load_runs():
        by_engine.setdefault(row.engine if row.engine in known else GENERIC, []).append(row)
    return {engine: _columns(rows, catalogs) for engine, rows in by_engine.items()}


def kind_of_run(row: RunRow) -> str:
    """The kind of load; one request at a time is a single stream whichever way it was sent."""
    return "single_stream" if row.requests == 1 else row.load


def _columns(rows: Sequence[RunRow], catalogs: Catalogs) -> EngineRuns:
    def texts(of: Callable[[RunRow], str]) -> Texts:
        return Texts(of(row) for row in rows)

    def logs(of: Callable[[RunRow], float | None]) -> FloatArray:
        return np.log2([of(row) or np.nan for row in rows])

    bandwidths = {gpu.id: gpu.memory_bandwidth_bytes_per_s for gpu in catalogs.gpus}
    return EngineRuns(
        rows=rows,
        model=texts(lambda row: row.model),
        shape=texts(lambda row: row.shape),
        gpu=texts(lambda row: row.gpu),
        weights=texts(lambda row: row.weights_kind),
        kv_cache=texts(lambda row: row.kv_kind),
        kind=texts(kind_of_run),
        version=texts(lambda row: row.engine_version or ""),
        log_parameters=logs(lambda row: row.active_parameters),
        log_bandwidth=logs(lambda row: bandwidths.get(row.gpu)),
        log_bits=logs(lambda row: row.weights_bits),
        log_layout=np.array([np.log2([getattr(row, name) for row in rows]) for name in LAYOUT]),
        log_input=logs(lambda row: row.input_tokens),
        log_output=logs(lambda row: row.output_tokens),
        log_requests=logs(lambda row: row.requests),
    )
