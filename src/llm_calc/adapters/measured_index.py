"""The published runs as columns, one set of them an engine: built at the first question, kept with the catalogs."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.engine_catalog import load_engine_rules
from llm_calc.adapters.measured_runs import RunRow, runs_of
from llm_calc.core.arrays import FloatArray
from llm_calc.core.engines import ANY_ENGINE

Values: TypeAlias = tuple[Any, ...]
FIELDS = tuple(RunRow.model_fields)
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


class Rows:
    """Runs as plain tuples, which take an eighth of the memory; each becomes a row when it is asked for."""

    def __init__(self, values: Sequence[Values]) -> None:
        self._values = values

    def __getitem__(self, place: int) -> RunRow:
        """The run at a place."""
        return RunRow.model_construct(None, **dict(zip(FIELDS, self._values[place], strict=True)))


@dataclass(frozen=True, kw_only=True, eq=False)
class EngineRuns:
    """The runs of one engine. Numbers are base-2 logarithms, NaN where a run lacks them.

    ``log_layout`` has a row for each of tensor, pipeline, data, expert.
    """

    rows: Rows
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
    by_engine: dict[str, list[Values]] = {}
    for row in runs_of():
        engine = row.engine if row.engine in known else ANY_ENGINE
        by_engine.setdefault(engine, []).append(_values(row))
    return {engine: _columns(rows, catalogs) for engine, rows in by_engine.items()}


def _values(row: RunRow) -> Values:
    """What a row holds, in the order of its fields; equal texts are one."""
    held = (getattr(row, name) for name in FIELDS)
    return tuple(sys.intern(value) if isinstance(value, str) else value for value in held)


def kind_of_run(load: str, requests: int | None) -> str:
    """The kind of load; one request at a time is a single stream whichever way it was sent."""
    return "single_stream" if requests == 1 else load


def _columns(rows: Sequence[Values], catalogs: Catalogs) -> EngineRuns:
    held = dict(zip(FIELDS, zip(*rows, strict=True), strict=True))

    def logs(name: str) -> FloatArray:
        return np.log2([value or np.nan for value in held[name]])

    bandwidths = {gpu.id: gpu.memory_bandwidth_bytes_per_s for gpu in catalogs.gpus}
    return EngineRuns(
        rows=Rows(rows),
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
