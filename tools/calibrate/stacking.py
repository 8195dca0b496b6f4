"""Many cases as one: the same types with arrays in place of numbers."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from llm_calc.core.operators import CollectiveWork, ContextWork, LayerCounts, LinearWork, StepWork
from llm_calc.core.operators.work import UNLIMITED_TOKENS
from llm_calc.core.serving.rates import Machine
from tools.calibrate.parameters import Rows

T = TypeVar("T")
Part = TypeVar("Part", LinearWork, ContextWork, CollectiveWork, LayerCounts)
CONTEXT_SLOTS, COLLECTIVE_SLOTS = 4, 2
_NO_CONTEXT = ContextWork(
    name="",
    calls=0,
    kv_bytes_per_key=0.0,
    decode_flops_per_key=0.0,
    prefill_flops_per_pair=0.0,
    limit_tokens=UNLIMITED_TOKENS,
)
_NO_COLLECTIVE = CollectiveWork(name="", calls=0, ranks=1, bytes_per_token=0.0)
_TEXT = frozenset(("name", "group", "format", "compute", "chunked", "latent", "decoding_only"))


def stack_work(works: Sequence[StepWork]) -> StepWork:
    """Step work with a number an element for every case; kinds of attention are dealt to slots."""
    own = ("state_bytes", "sequence_share", "stages")
    numbers: dict[str, Any] = {name: np.array([float(getattr(work, name)) for work in works]) for name in own}
    return StepWork(
        linear=tuple(_stacked([work.linear[group] for work in works]) for group in range(4)),
        context=_contexts(works),
        collectives=tuple(
            _stacked([_at(work.collectives, slot, _NO_COLLECTIVE) for work in works])
            for slot in range(COLLECTIVE_SLOTS)
        ),
        counts=_stacked([work.counts for work in works]),
        **numbers,
    )


def stack_machines(machines: Sequence[Machine]) -> Machine:
    """Machines with a number an element for every case."""
    groups = tuple(np.array([machine.group_flops_per_s[group] for machine in machines]) for group in range(4))
    rest = [field.name for field in fields(Machine) if field.name != "group_flops_per_s"]
    values = {name: np.array([float(getattr(machine, name)) for machine in machines]) for name in rest}
    return Machine(group_flops_per_s=groups, **values)


def take(value: Any, rows: Rows) -> Any:
    """Some of the stacked cases."""
    if isinstance(value, np.ndarray):
        return value[rows]
    if isinstance(value, tuple):
        return tuple(take(each, rows) for each in value)
    if isinstance(value, StepWork | LinearWork | ContextWork | CollectiveWork | LayerCounts | Machine):
        return replace(
            value, **{field.name: take(getattr(value, field.name), rows) for field in fields(value)}
        )
    return value


def _contexts(works: Sequence[StepWork]) -> tuple[ContextWork, ...]:
    slots = [[_NO_CONTEXT] * len(works) for _ in range(CONTEXT_SLOTS)]
    for at, work in enumerate(works):
        whole = [context for context in work.context if not context.chunked]
        for slot, context in enumerate(whole):
            slots[slot][at] = context
        for context in work.context:
            if context.chunked:
                slots[-1][at] = context
    *plain, chunked = (_stacked(slot) for slot in slots)
    return (*plain, replace(chunked, chunked=True))


def _at(items: Sequence[T], index: int, otherwise: T) -> T:
    return items[index] if index < len(items) else otherwise


def _stacked(items: Sequence[Part]) -> Part:
    first = items[0]
    numbers = [field.name for field in fields(first) if field.name not in _TEXT]
    values: dict[str, Any] = {
        name: np.array([float(getattr(item, name)) for item in items]) for name in numbers
    }
    return replace(first, **values)
