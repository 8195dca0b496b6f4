"""Flags of engines that say what another part of a request says: taken under their own names, and brought there.

Where both say something they must agree. Flags of what is not modelled are refused, with what to do instead.
"""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, model_validator

from llm_calc.adapters.said_as import said_as
from llm_calc.adapters.wire.base import StrictRequest
from llm_calc.adapters.wire.cache_flag import plain, with_cache
from llm_calc.adapters.wire.engine_names import typed_engine
from llm_calc.adapters.wire.nodes import with_nodes
from llm_calc.adapters.wire.output_caps import check_output
from llm_calc.adapters.wire.partition import FLAG, with_partition
from llm_calc.adapters.wire.passed import spelled, with_listed_values
from llm_calc.adapters.wire.trtllm_parts import apart
from llm_calc.core.engines import traits_of
from llm_calc.core.engines.expert_spread import check_spread
from llm_calc.core.engines.layout_flags import LayoutFlags, Stated
from llm_calc.core.engines.prefix_switches import check_prefix
from llm_calc.core.errors import InvalidInputError


class AtHome(StrictRequest):
    """A request whose engine may say what its other parts say."""

    @model_validator(mode="before")
    @classmethod
    def _fold(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        engine = data.get("engine")
        if isinstance(engine, BaseModel):
            engine = engine.model_dump(exclude_unset=True)
        engine = typed_engine(engine) if isinstance(engine, dict) else None
        name = engine.get("name") if isinstance(engine, dict) else None
        if not isinstance(name, str) or not isinstance(engine, dict):
            return data
        found = folded({**data, "engine": engine}, engine, name)
        return with_partition(found, plain(found.get("engine")), name, plain(found.get("parallelism")))

    @model_validator(mode="after")
    def _ends(self) -> Self:
        workload, engine = getattr(self, "workload", None), getattr(self, "engine", None)
        if workload is not None and engine is not None and engine.further_values:
            check_output(workload, engine)
        return self


def with_own_names(data: object) -> object:
    """A request without a layout, whose engine has its options under the names that requests give them."""
    engine = plain(typed_engine(data.get("engine"))) if isinstance(data, dict) else {}
    name = engine.get("name")
    if not isinstance(data, dict) or not isinstance(name, str):
        return data
    return {**data, "engine": _spelled(engine, name)}


def _spelled(
    engine: Mapping[str, Any], name: str, workload: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    options = traits_of(name).options
    engine, fields = with_listed_values(engine, name)
    with said_as(fields):
        engine = apart(engine) if options.wholes else engine
        check_prefix(workload or {}, engine, name)
        return spelled(engine, name, options.refused)


def homed_flags(engine: str) -> frozenset[str]:
    """The flags of an engine that have their home in another part."""
    options = traits_of(engine).options
    partition = (FLAG,) if options.partition else ()
    return frozenset({*options.layout.sizes, *options.layout.switches, *_cache_flag(engine), *partition})


def folded(data: dict[str, Any], engine: dict[str, Any], name: str) -> dict[str, Any]:
    """A request whose engine says nothing that another part says.

    Raises:
        InvalidInputError: both say something and differ; names both.
        UnsupportedError: a flag of what is not modelled; says what to do instead.
    """
    for part in ("precision", "parallelism", "hardware"):
        if not isinstance(data.get(part), (dict, list, tuple, BaseModel, type(None))):
            raise InvalidInputError(f"{part}: must be a JSON object", field=part)
    data = with_nodes(data, engine, name)
    engine = _spelled(plain(data["engine"]), name, plain(data.get("workload")))
    data = {**data, "engine": engine}
    homed = homed_flags(name) - {FLAG}
    given = {flag: value for flag, value in engine.items() if flag in homed and value is not None}
    if not given:
        return data
    found = {**data, "engine": {flag: value for flag, value in engine.items() if flag not in given}}
    if "kv_cache_dtype" in given:
        found["precision"] = with_cache(data.get("precision"), str(given.pop("kv_cache_dtype")), name)
    if given:
        layout = found["parallelism"] = _with_layout(data, given, name)
        found["engine"].update(_kept_switch(data, given, layout, name))
    return found


def _kept_switch(
    data: Mapping[str, Any], given: Mapping[str, Any], layout: Mapping[str, Any] | None, engine: str
) -> dict[str, Any]:
    """The switch, where it stays with the engine: it says what groups are to each other, or is on and does nothing.

    Groups that the engine's flags alone speak of are what they are by its default: servers of their own.
    """
    flags = traits_of(engine).options.layout
    switch, said = flags.switches[0], given.get(flags.switches[0])
    if _whole((layout or {}).get(flags.switched)) == 1:
        return {switch: True} if said is True else {}
    if not flags.joins:
        return {}
    by_flag = flags.switched not in plain(data.get("parallelism"))
    return {switch: bool(said)} if by_flag or said is not None else {}


def _cache_flag(engine: str) -> tuple[str, ...]:
    return ("kv_cache_dtype",) if traits_of(engine).options.cache_types else ()


def _with_layout(data: Mapping[str, Any], given: Mapping[str, Any], engine: str) -> dict[str, Any] | None:
    """The layout that flags and part agree on; a switch adds what the part leaves open. None: neither says one."""
    layout = plain(data.get("parallelism"))
    flags = traits_of(engine).options.layout
    sizes = _sizes(given, flags, layout, _gpus(data.get("hardware")))
    for field, (flag, size) in sizes.items():
        said = layout.get(field, size if flag in flags.switches else 1)
        if layout and said != size:
            msg = (
                f"engine.{flag}: {given[flag]} makes parallelism.{field} {size}, but that says {said}; "
                "they must agree"
            )
            raise InvalidInputError(msg, field=f"engine.{flag}")
    found = {**{field: size for field, (_, size) in sizes.items()}, **layout}
    if "expert" in sizes and sizes["expert"][0] in flags.sizes:
        check_spread(*sizes["expert"], _whole(found.get("tensor")) * _whole(found.get("data")))
    return found or None


def _gpus(hardware: object) -> int:
    """GPUs in all, as far as a request says it in whole numbers."""
    parts = hardware if isinstance(hardware, (list, tuple)) else [hardware]
    return sum(_whole(plain(part).get("count")) for part in parts)


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 1


def _sizes(given: Mapping[str, Any], flags: LayoutFlags, layout: Mapping[str, Any], gpus: int) -> Stated:
    """Each size of the layout with the flag that says it; a switch alone is about all GPUs of one tensor group.

    Raises:
        InvalidInputError: a size that is none, a switch that is neither on nor off.
    """
    names, switch = flags.sizes, flags.switches[0]
    stated = {names[flag]: (flag, _size(flag, value)) for flag, value in given.items() if flag in names}
    turned = given.get(switch)
    if turned is None:
        return stated
    if not isinstance(turned, bool):
        raise InvalidInputError(f"engine.{switch}: must be true or false", field=f"engine.{switch}")
    if turned and not stated and not layout:
        stated = {"tensor": (switch, gpus)}
    said = {field: _whole(size) for field, size in layout.items()}
    return flags.meant(stated, {**said, **{field: size for field, (_, size) in stated.items()}}, turned)


def _size(flag: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidInputError(
            f"engine.{flag}: must be a whole number of at least 1", field=f"engine.{flag}"
        )
    return value
