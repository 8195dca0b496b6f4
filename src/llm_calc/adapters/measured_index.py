"""The published runs as columns, one set of them an engine: built at the first question, kept with the catalogs."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.engine_catalog import load_engine_rules
from llm_calc.adapters.measured_runs import RunRow, runs_of
from llm_calc.core.engines import ANY_ENGINE
from llm_calc.core.evidence.runs import RunColumns, columns_of

Values: TypeAlias = tuple[Any, ...]
FIELDS = tuple(RunRow.model_fields)


class Rows:
    """Runs as plain tuples, which take an eighth of the memory; each becomes a row when it is asked for."""

    def __init__(self, values: Sequence[Values]) -> None:
        self._values = values

    def __getitem__(self, place: int) -> RunRow:
        """The run at a place."""
        return RunRow.model_construct(None, **dict(zip(FIELDS, self._values[place], strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EngineRuns:
    """The runs of one engine: as columns, and each as its row."""

    rows: Rows
    columns: RunColumns


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


def _columns(rows: Sequence[Values], catalogs: Catalogs) -> EngineRuns:
    held = dict(zip(FIELDS, zip(*rows, strict=True), strict=True))
    bandwidths = {gpu.id: gpu.memory_bandwidth_bytes_per_s for gpu in catalogs.gpus}
    return EngineRuns(rows=Rows(rows), columns=columns_of(held, bandwidths))
