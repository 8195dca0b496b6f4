"""What the page takes beyond its first fields: paths of requests with label, kind, choices and help, in groups.

The paths, their labels and units of show stand in ``page_fields.json``; kinds, choices and help are those of the wire
types, and options of engines come from there whole, so that a field added to a request is described once. The path is
the key of a link too.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from llm_calc.adapters.engine_catalog import load_engine_releases
from llm_calc.adapters.wire.engines import ENGINE_PARTS
from llm_calc.adapters.wire.fitting import FitRequest
from llm_calc.adapters.wire.homes import homed_flags
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest

Group = dict[str, Any]
REQUESTS: Mapping[str, type[BaseModel]] = {
    "estimate": ServingEstimateRequest,
    "memory": MemoryPlanRequest,
    "plans": DeploymentPlansRequest,
    "fit": FitRequest,
}
"""The requests that the page sends for a scenario."""
JSON_KEY = "json"
"""The key of what no field says: a JSON object that goes over the request."""
SAID_OTHERWISE = ("name", "version")
_UNIT = re.compile(r"\s*\[([^\]]+)\]")


@cache
def further_groups() -> list[Group]:
    """Groups of fields: those of all engines, then each engine's options that the form has no field of its own for."""
    said = json.loads((files(__package__) / "page_fields.json").read_text(encoding="utf-8"))
    common = [{**group, "fields": [_field(*each) for each in group["fields"]]} for group in said]
    return [*common, *_engine_groups()]


def further_fields() -> dict[str, dict[str, Any]]:
    """The same fields by path; an option that several engines have is sent alike for all."""
    return {each["key"]: each for group in further_groups() for each in group["fields"]}


def foreign_parts() -> dict[str, list[str]]:
    """Parts of some request of a scenario that another of its requests does not take, by the one that does not."""
    parts = {name: set(kind.model_fields) for name, kind in REQUESTS.items()}
    known = set().union(*parts.values())
    return {name: sorted(known - own) for name, own in parts.items()}


def _engine_groups() -> Iterator[Group]:
    table = json.loads((files(__package__) / "link_defaults.json").read_text(encoding="utf-8"))
    titles = {name: releases[-1].title for name, releases in load_engine_releases().items()}
    for engine, part in ENGINE_PARTS.items():
        held = {*table["engine_flags"][engine].values(), *homed_flags(engine), *SAID_OTHERWISE}
        fields = [
            _described(f"engine.{name}", name, info)
            for name, info in part.model_fields.items()
            if name not in held
        ]
        yield {
            "title": f"Options of {titles[engine]}",
            "about": "empty: its default",
            "engine": engine,
            "fields": fields,
        }


def _field(path: str, label: str, unit: str = "", scale: float = 1) -> dict[str, Any]:
    info = next(filter(None, (_info(kind, path.split(".")) for kind in REQUESTS.values())))
    return _described(path, label, info, unit, scale)


def _described(
    path: str, label: str, info: FieldInfo, unit: str | None = None, scale: float = 1
) -> dict[str, Any]:
    said = info.description or ""
    units = _UNIT.findall(said)
    kind, choices = _kind(info.annotation)
    shown = unit if unit is not None else units[0] if units and kind == "number" and units[0] != "-" else ""
    field = {
        "key": path,
        "label": label,
        "kind": kind,
        "unit": shown,
        "help": _UNIT.sub("", said),
        "choices": choices,
    }
    return {name: each for name, each in field.items() if each} | ({"scale": scale} if scale != 1 else {})


def _info(kind: type[BaseModel], steps: list[str]) -> FieldInfo | None:
    """The field that a path leads to; None where this request has none."""
    first, *rest = steps
    info = kind.model_fields.get(first)
    while info is not None and rest and (rest[0] == "*" or rest[0].isdigit()):
        rest = rest[1:]
    if info is None or not rest:
        return info
    found = (_info(part, rest) for part in _parts(info.annotation))
    return next(filter(None, found), None)


def _parts(annotation: object) -> Iterator[type[BaseModel]]:
    """The parts of a request that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _parts(each)


def _kind(annotation: object) -> tuple[str, list[str]]:
    """How a field is filled in: a number, a flag, one of several, a list, or a text."""
    found = list(_leaves(annotation))
    words = [word for each in found if get_origin(each) is Literal for word in get_args(each)]
    if any(each in (list, tuple) for each in found):
        return "list", [str(word) for word in words]
    if words and not any(each in (int, float) for each in found):
        return "choice", [str(word) for word in words]
    if bool in found:
        return "flag", ["true", "false"]
    return ("number", []) if any(each in (int, float) for each in found) else ("text", [])


def _leaves(annotation: object) -> Iterator[object]:
    """The types that a field may be of, without what annotates them; a table is of its values."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _leaves(args[0])
    elif origin in (list, tuple):
        yield origin
        yield from (each for arg in args for each in _leaves(arg) if get_origin(each) is Literal)
    elif origin is dict:
        yield from _leaves(args[1])
    elif origin is Literal or not args:
        yield annotation
    else:
        for each in args:
            yield from _leaves(each)
