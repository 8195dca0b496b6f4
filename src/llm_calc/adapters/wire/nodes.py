"""How many hosts the GPUs are spread over, as an engine's own flag says it: brought to hardware.gpus_per_node."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from llm_calc.adapters.gpu_counts import read_counted
from llm_calc.adapters.wire.cache_flag import plain
from llm_calc.core.engines import traits_of
from llm_calc.core.errors import InvalidInputError


def with_nodes(data: Mapping[str, Any], engine: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A request whose hardware says what the engine's flag says of hosts; of unlike GPUs, which are one machine, as is.

    Raises:
        InvalidInputError: both say something and differ, or the GPUs do not go over so many hosts evenly.
    """
    flags = traits_of(name).options.layout
    flag = flags.nodes or flags.node_size
    said, hardware = engine.get(flag) if flag else None, data.get("hardware")
    count = _count(plain(hardware)) if isinstance(hardware, (Mapping, BaseModel)) else None
    if said is None or count is None:
        return {**data, "engine": dict(engine)}
    each = _each(flag, said, count, of_hosts=bool(flags.nodes))
    stated, machine = plain(hardware).get("gpus_per_node"), _node(plain(hardware).get("gpu"))
    if stated not in (None, each) or (stated is None and machine not in (None, each)):
        where = "hardware.gpu" if stated is None else "hardware.gpus_per_node"
        msg = (
            f"engine.{flag}: {said} makes hardware.gpus_per_node {each}, but {where} says {stated or machine}; "
            "they must agree"
        )
        raise InvalidInputError(msg, field=f"engine.{flag}")
    rest = {option: value for option, value in engine.items() if option != flag}
    return {**data, "hardware": {**plain(hardware), "gpus_per_node": each}, "engine": rest}


def _each(flag: str, said: object, count: int, *, of_hosts: bool) -> int:
    if not isinstance(said, int) or isinstance(said, bool) or said < 1:
        raise InvalidInputError(
            f"engine.{flag}: must be a whole number of at least 1", field=f"engine.{flag}"
        )
    if not of_hosts:
        return said
    if count % said:
        msg = f"engine.{flag}: {count} GPUs (hardware.count) do not go over {said} hosts evenly"
        raise InvalidInputError(msg, field=f"engine.{flag}")
    return count // said


def _node(name: object) -> int | None:
    """GPUs of one host, where the name of a machine says them."""
    return read_counted(name).node if isinstance(name, str) else None


def _count(hardware: Mapping[str, Any]) -> int | None:
    """GPUs in all; None where they are no number, which is refused by its own field."""
    name = hardware.get("gpu")
    count = hardware.get("count") or (read_counted(name).count if isinstance(name, str) else None) or 1
    return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else None
