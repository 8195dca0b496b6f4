"""The hardware of a request as one part, or as a list of parts: GPUs of several kinds in one machine."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter

from llm_calc.adapters.wire.hosts import HostPart
from llm_calc.adapters.wire.parts import HardwarePart

MOST_KINDS = 16
_OF_THE_MACHINE = ("host", "gpus_per_node")
"""What is the machine's, so that it need be said in one entry only."""

KindsOfGpus = Annotated[list[HardwarePart], Field(min_length=1, max_length=MOST_KINDS)]


class UnlikeHardware(HardwarePart):
    """GPUs of several kinds: ``count`` of all, in the order in which layers are dealt to them; the first is ``gpu``."""

    kinds: tuple[HardwarePart, ...]


def one_machine(parts: list[HardwarePart]) -> HardwarePart:
    """The parts as one machine; GPUs of one kind as if they had been said at once.

    >>> one_machine([HardwarePart(gpu="l4"), HardwarePart(gpu="l4", count=2)]).count
    3

    Raises:
        ValueError: two entries say different things of the machine.
    """
    said = {name: _said_once(parts, name) for name in _OF_THE_MACHINE}
    of_machine: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    count = sum(part.count for part in parts)
    kinds = [part.model_copy(update={"count": 1, "host": None, **of_machine}) for part in parts]
    if all(kind == kinds[0] for kind in kinds):
        return kinds[0].model_copy(update={"count": count})
    fields = {name: getattr(parts[0], name) for name in HardwarePart.model_fields}
    return UnlikeHardware.model_construct(
        **{**fields, **of_machine, "count": count}, kinds=tuple(part for part in parts)
    )


def _said_once(parts: list[HardwarePart], name: str) -> HostPart | int | None:
    found = [getattr(part, name) for part in parts if name in part.model_fields_set]
    values = [value for value in found if value is not None]
    if any(value != values[0] for value in values):
        raise ValueError(f"{name} is the machine's; the entries of the list must not differ in it")
    return values[0] if values else None


_KINDS: TypeAdapter[list[HardwarePart]] = TypeAdapter(KindsOfGpus)


def _as_one(value: object) -> object:
    return one_machine(_KINDS.validate_python(value)) if isinstance(value, list) else value


Machine = Annotated[HardwarePart, BeforeValidator(_as_one, json_schema_input_type=HardwarePart | KindsOfGpus)]
"""So many GPUs of one kind, or a list of such: unlike GPUs, to which llama.cpp deals layers."""
