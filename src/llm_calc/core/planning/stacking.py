"""Many deployments as one whose numbers are columns, so that one evaluation serves them all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray, Quantity
from llm_calc.core.operators import CollectiveWork, StepWork
from llm_calc.core.planning.bounds import held_bytes, most_sequences
from llm_calc.core.serving.estimate import Deployment, Offsets
from llm_calc.core.serving.host import HostTimes
from llm_calc.core.serving.picked import picked
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.speculation import NO_DRAFT, Draft

Places = npt.NDArray[np.intp]
Numbers = Callable[[Sequence[Any]], Quantity]
Stacked = TypeVar("Stacked")

_NO_COLLECTIVE = CollectiveWork(name="", calls=0, ranks=1, bytes_per_token=0.0)


def stack(deployments: Sequence[Deployment]) -> Deployment:
    """Deployments of one model, one a row; their numbers become columns of shape (rows, 1) [bytes, FLOP, s].

    Definition: the same numbers, stacked. All must work with equal kernels and drafts, which stay as they are; the
    policy is the first one's, since no closed form asks for it.
    """
    works = [deployment.work for deployment in deployments]
    most = max(len(work.collectives) for work in works)
    return Deployment(
        work=_columns(works, lambda work: _padded(work, most)),
        rates=_columns([deployment.rates for deployment in deployments]),
        capacity=_column([deployment.capacity for deployment in deployments]),
        limit=_column([deployment.limit for deployment in deployments]),
        host=_columns([deployment.host for deployment in deployments]),
        scheduling=_columns([deployment.scheduling for deployment in deployments]),
        draft=deployments[0].draft,
        offsets=_columns([deployment.offsets for deployment in deployments]),
    )


class Pool(Generic[Stacked]):
    """Things that rows share, each once, and which of them every row has."""

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}
        self.items: list[Stacked] = []
        self.rows: list[Places] = []

    def numbers_of(self, items: Sequence[Stacked]) -> Places:
        """Their places among all of them [1].

        Definition: the order in which things were first seen, the same object being one thing.
        """
        return np.array([self._number(item) for item in items], dtype=np.intp)

    def _number(self, item: Stacked) -> int:
        number = self.numbers.setdefault(id(item), len(self.items))
        if number == len(self.items):
            self.items.append(item)
        return number

    @property
    def taken(self) -> Places:
        """Which of them every row has [1].

        Definition: their places, row after row.
        """
        return np.concatenate(self.rows)


class Columns(Generic[Stacked]):
    """Objects whose numbers are arrays over several things each."""

    def __init__(self) -> None:
        self.parts: list[Stacked] = []
        self.counts: list[int] = []

    def add(self, part: Stacked, count: int) -> int:
        """Further things; the number of the first of them [1].

        Definition: how many there were before.
        """
        before = sum(self.counts)
        self.parts.append(part)
        self.counts.append(count)
        return before

    @property
    def joined(self) -> Stacked:
        """One object whose numbers are arrays over all things, but for those that are the same for all."""

        def joined(values: Sequence[Quantity]) -> Quantity:
            both = zip(values, self.counts, strict=True)
            found: FloatArray = np.concatenate(
                [each if isinstance(each, np.ndarray) else np.full(count, each) for each, count in both]
            )
            return float(found[0]) if (found == found[0]).all() else found

        return _stacked(self.parts, joined)  # type: ignore[no-any-return]


def as_one(items: Sequence[Stacked]) -> Stacked:
    """Objects as one whose numbers are arrays over them."""
    return _stacked(items, _all_stacked)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """What the deployments of many rows are made of: objects whose numbers are arrays over distinct things.

    ``rows``: which of the works, rates and host times each row has. ``offsets``: of first tokens, of further ones and
    of output. ``memory_bytes``: of one GPU's share of all stages; ``replicas``: of
    attention; both of every row.
    """

    works: StepWork
    rates: Rates
    hosts: HostTimes
    rows: tuple[Places, Places, Places]
    offsets: FloatArray
    memory_bytes: FloatArray
    replicas: FloatArray

    def capacities(self, context_tokens: float) -> FloatArray:
        """Sequences of so many tokens that each row holds at best [sequences].

        Definition: ``most_sequences`` of what ``held_bytes`` says of its step.
        """
        held = held_bytes(self.works, context_tokens)
        weights, each = (value[self.rows[0]] if isinstance(value, np.ndarray) else value for value in held)
        return np.asarray(most_sequences(weights, each, self.memory_bytes, self.replicas))

    def at(self, places: Places, capacities: FloatArray, draft: Draft = NO_DRAFT) -> Deployment:
        """Some of the rows with so much room, with no limit on sequences [bytes, FLOP, s, sequences].

        Definition: :func:`stack` of deployments that consist of them; what is the same in all rows stays a number.
        """
        works, rates, hosts = (rows[places] for rows in self.rows)
        ttft, tpot, output = self.offsets[:, places][..., np.newaxis]
        return Deployment(
            work=_taken(self.works, works),
            rates=_taken(self.rates, rates),
            capacity=capacities[:, np.newaxis],
            limit=np.inf,
            host=_taken(self.hosts, hosts),
            draft=draft,
            offsets=Offsets(ttft=ttft, tpot=tpot, output=output),
        )


def shared_works(works: Sequence[StepWork]) -> StepWork:
    """Steps as one whose numbers are arrays over them [bytes, FLOP].

    Definition: the same numbers; steps with fewer collectives have some of no bytes.
    """
    most = max(len(work.collectives) for work in works)
    return shared([_padded(work, most) for work in works])


def shared(items: Sequence[Stacked]) -> Stacked:
    """Objects as one whose numbers are arrays over them, but for those that are the same for all."""
    return _stacked(items, _shared_or_stacked)  # type: ignore[no-any-return]


def rows_at(deployment: Deployment, places: Places) -> Deployment:
    """Some rows of a stacked deployment [bytes, FLOP, s].

    Definition: the same numbers.
    """
    return picked(deployment, places)  # type: ignore[no-any-return]


def _padded(work: StepWork, collectives: int) -> StepWork:
    missing = collectives - len(work.collectives)
    return replace(work, collectives=(*work.collectives, *[_NO_COLLECTIVE] * missing)) if missing else work


def _column(values: Sequence[Quantity]) -> FloatArray:
    return np.array(values, dtype=np.float64)[:, np.newaxis]


def _all_stacked(values: Sequence[float]) -> Quantity:
    return np.array(values, dtype=np.float64)


def _shared_or_stacked(values: Sequence[float]) -> Quantity:
    """One number where all are the same."""
    first = values[0]
    return float(first) if all(value == first for value in values) else _all_stacked(values)


def _columns(items: Sequence[Stacked], prepare: Any = None) -> Stacked:  # noqa: ANN401
    """Objects as one with columns for numbers; objects that several rows share are read once."""
    distinct = {id(item): item for item in items}
    places = {key: place for place, key in enumerate(distinct)}
    ready = [prepare(item) if prepare else item for item in distinct.values()]
    rows = np.array([places[id(item)] for item in items])
    return _taken(_stacked(ready, _all_stacked), rows)  # type: ignore[no-any-return]


def _stacked(items: Sequence[Any], numbers: Numbers) -> Any:  # noqa: ANN401
    """Numbers become arrays, tuples and dataclasses are gone into; words, flags and kernels are the first one's."""
    first = items[0]
    if isinstance(first, (int, float, np.ndarray)) and not isinstance(first, bool):
        return numbers(items)
    if isinstance(first, tuple):
        return tuple(_stacked(each, numbers) for each in zip(*items, strict=True))
    if is_dataclass(first) and not isinstance(first, type) and _has_numbers(first):
        found = {
            field.name: _stacked([getattr(item, field.name) for item in items], numbers)
            for field in fields(first)
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
