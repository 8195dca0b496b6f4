"""The published runs of one engine as columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
