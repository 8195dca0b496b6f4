"""Many deployments as one whose numbers are columns, so that one evaluation serves them all."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray
from llm_calc.core.operators import CollectiveWork, StepWork
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.host import HostTimes
from llm_calc.core.serving.rates import Rates

Places = npt.NDArray[np.intp]
Stacked = TypeVar("Stacked")

_NO_COLLECTIVE = CollectiveWork(name="", calls=0, ranks=1, bytes_per_token=0.0)


def stack(deployments: Sequence[Deployment]) -> Deployment:
    """Deployments of one model, one a row; their numbers become columns of shape (rows, 1) [bytes, FLOP, s].

    Definition: the same numbers, stacked. All must work with equal kernels and drafts, which stay as they are; the
    policy is the first one's, since no closed form asks for it.
    """
    found = stack_parts(
        [deployment.work for deployment in deployments],
        [deployment.rates for deployment in deployments],
        [deployment.host for deployment in deployments],
        np.array([deployment.capacity for deployment in deployments], dtype=np.float64),
    )
    limits = np.array([deployment.limit for deployment in deployments], dtype=np.float64)
    return replace(
        found,
        limit=limits[:, np.newaxis],
        scheduling=_columns([deployment.scheduling for deployment in deployments]),
        draft=deployments[0].draft,
        offsets=_columns([deployment.offsets for deployment in deployments]),
    )


def stack_parts(
    works: Sequence[StepWork], rates: Sequence[Rates], hosts: Sequence[HostTimes], capacities: FloatArray
) -> Deployment:
    """The same from their parts, one a row, with no limit on sequences [bytes, FLOP, s, sequences].

    Definition: :func:`stack` of deployments that consist of them.
    """
    most = max(len(work.collectives) for work in works)
    return Deployment(
        work=_columns(works, lambda work: _padded(work, most)),
        rates=_columns(rates),
        capacity=capacities[:, np.newaxis],
        limit=np.inf,
        host=_columns(hosts),
    )


def rows_at(deployment: Deployment, places: Places) -> Deployment:
    """Some rows of a stacked deployment [bytes, FLOP, s].

    Definition: the same numbers.
    """
    return _picked(deployment, places)  # type: ignore[no-any-return]


def _picked(value: Any, places: Places) -> Any:  # noqa: ANN401
    if isinstance(value, np.ndarray):
        return value[places]
    if isinstance(value, tuple):
        return tuple(_picked(each, places) for each in value)
    if is_dataclass(value) and not isinstance(value, type) and _has_numbers(value):
        return replace(
            value, **{field.name: _picked(getattr(value, field.name), places) for field in fields(value)}
        )
    return value


def _padded(work: StepWork, collectives: int) -> StepWork:
    missing = collectives - len(work.collectives)
    return replace(work, collectives=(*work.collectives, *[_NO_COLLECTIVE] * missing)) if missing else work


def _columns(items: Sequence[Stacked], prepare: Any = None) -> Stacked:  # noqa: ANN401
    """Objects as one with columns for numbers; objects that several rows share are read once."""
    distinct = {id(item): item for item in items}
    places = {key: place for place, key in enumerate(distinct)}
    ready = [prepare(item) if prepare else item for item in distinct.values()]
    rows = np.array([places[id(item)] for item in items])
    return _taken(_stacked(ready), rows)  # type: ignore[no-any-return]


def _stacked(items: Sequence[Any]) -> Any:  # noqa: ANN401
    """Numbers become arrays, tuples and dataclasses are gone into; words, flags and kernels are the first one's."""
    first = items[0]
    if isinstance(first, (int, float)) and not isinstance(first, bool):
        return np.array(items, dtype=np.float64)
    if isinstance(first, tuple):
        return tuple(_stacked(each) for each in zip(*items, strict=True))
    if is_dataclass(first) and not isinstance(first, type) and _has_numbers(first):
        found = {
            field.name: _stacked([getattr(item, field.name) for item in items]) for field in fields(first)
        }
        return replace(first, **found)
    return first


def _has_numbers(item: Any) -> bool:  # noqa: ANN401
    """Whether it describes one row; what describes a family of kernels has a name and is shared."""
    return type(item).__name__ != "Kernels"


def _taken(value: Any, rows: Any) -> Any:  # noqa: ANN401
    if isinstance(value, np.ndarray):
        return value[rows][:, np.newaxis]
    if isinstance(value, tuple):
        return tuple(_taken(each, rows) for each in value)
    if is_dataclass(value) and not isinstance(value, type) and _has_numbers(value):
        return replace(
            value, **{field.name: _taken(getattr(value, field.name), rows) for field in fields(value)}
        )
    return value
