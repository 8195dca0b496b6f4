"""Schemas of tools as language models read them: the same meaning in a third of the words.

What a client sends is checked against the requests' own types, whatever its schema leaves unsaid: bounds that nobody
meets by accident, titles that repeat a field's name, ``null`` for what may be left out, and the options of an engine
one by one, which are listed by name.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from llm_calc.adapters.wire.engines import (
    GenericEngine,
    LlamaCppEngine,
    SglangEngine,
    TrtllmEngine,
    VllmEngine,
)

Schema = dict[str, Any]

ENGINE_OPTIONS = "; ".join(
    f"{kind.model_fields['name'].default}: {', '.join(name for name in kind.model_fields if name != 'name')}"
    for kind in (VllmEngine, SglangEngine, TrtllmEngine, LlamaCppEngine, GenericEngine)
)
_REPEATED = ("title", "additionalProperties", "discriminator")
_LARGE = 1000
_BRIEF = frozenset(
    {
        "SessionsPart",
        "KvTierPart",
        "ClassPart",
        "LengthPart",
        "TargetsPart",
        "SpeculativePart",
        "HostPart",
        "OwnerPart",
        "ImagesPart",
        "LoraPart",
        "DisaggregatedPart",
    }
)
"""Parts of requests whose fields are listed by their names alone."""
_ONE_LENGTH: Mapping[str, Schema] = {
    "input_tokens": {"type": ["integer", "object"], "description": "Prompt; or a LengthPart [tokens]"},
    "output_tokens": {"type": ["integer", "object"], "description": "Answer; or a LengthPart [tokens]"},
}
_RARE = frozenset(
    {"images", "sessions", "session_rate", "classes", "targets", "users", "requests_per_user_per_minute"}
)
"""Fields of a workload that few requests need."""
_OF_CUSTOM_GPUS = ("memory_bytes", "memory_bandwidth_bytes_per_s", "peak_flops_per_s", "like")
"""Fields of hardware that only a GPU outside of the catalog needs."""
_EVERYWHERE = ("assumptions", "warnings", "reason", "engine", "interval", "percentiles")
"""What answers have in common; the server's instructions, or the names themselves, say what it is."""
_ESTIMATE = "ServingEstimateAnswer"
OPTIONS_OF_AN_ESTIMATE = "as of serving_estimate"
AS_AN_ESTIMATE: Schema = {"type": "object", "description": "As serving_estimate answers"}
_AS_ASKED: Schema = {"type": "object"}
"""As a request takes it, whose schema stands beside."""
_KNOWN: Mapping[str, Schema] = {
    _ESTIMATE: AS_AN_ESTIMATE,
    "WorkloadPart": _AS_ASKED,
    "HardwarePart": _AS_ASKED,
    "ParallelismPart": _AS_ASKED,
    "PrecisionPart": _AS_ASKED,
    "SpeculativePart": _AS_ASKED,
    "LoraPart": _AS_ASKED,
    "KvTierPart": _AS_ASKED,
    "TierMemory": {"type": "object", "description": "Bytes, tokens, sequences, times, pays"},
    "ApartPlan": {"type": "object", "description": "Parts, times, GPUs, rent, launch_prefill, launch_decode"},
    "ClassAnswer": {
        "type": "object",
        "description": "name, times, targets_kept_fraction, goodput_requests_per_s",
    },
    "LoraAnswer": {"type": "object", "description": "Numbers, bytes and FLOPs of adapters"},
    "PlanPrice": {"type": "object", "description": "usd_per_gpu_hour, kind, provider, as_of, source"},
    "EngineRelease": {"type": "object", "description": "name, version"},
    "ImagesAnswer": {"type": "object", "description": "Tokens, and the encoder's work, memory and time"},
}
"""What another schema says already."""
_BOUNDS = ("maximum", "exclusiveMaximum", "maxItems")
_LENGTHS = ("minLength", "maxLength")
_OF_REQUESTS = ("default", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
"""What parts of requests say of what is sent, and need not say where an answer repeats it."""
_NULL: Schema = {"type": "null"}
_NOT_NULL = {"not": _NULL}


def slim_input(schema: Schema, options: str = ENGINE_OPTIONS) -> Schema:
    """What a tool takes; ``options``: what is said of an engine's own."""
    found = _slim(schema, _optional)
    for each in found["properties"].values():
        if "properties" in each and "enum" in each["properties"].get("name", {}):
            each["description"] += f". Options: {options}"
    definitions: Schema = found.get("$defs", {})
    _list_optional(definitions.get("CustomDimensions"))
    _list_custom(definitions.get("HardwarePart"))
    _fold(definitions)
    return _used(found)


def _fold(definitions: Schema) -> None:
    """Parts that few requests need by the names of their fields; a workload lists those of its own that few need."""
    names = {name: ", ".join(definitions[name]["properties"]) for name in _BRIEF & set(definitions)}
    for name, fields in names.items():
        definitions[name] = {"type": "object", "description": f"Fields: {fields}"}
    load = definitions.get("WorkloadPart")
    if load is None:
        return
    rare = [name for name in load["properties"] if name in _RARE]
    for name in ("input_tokens", "output_tokens"):
        load["properties"][name] = _ONE_LENGTH[name]
    parts = {name: _part_of(load["properties"].pop(name)) for name in rare}
    listed = (f"{name} ({names[part]})" if (part := parts[name]) in names else name for name in rare)
    load["description"] = (
        f"Lengths and one load. LengthPart: {names.get('LengthPart', '')}. Further fields: {', '.join(listed)}"
    )


def _part_of(schema: Schema) -> str:
    """The type of a field, or of the items of a list."""
    return next(iter(_references(schema)), "")


def slim_output(schema: Schema) -> Schema:
    """What a tool answers: what may be null stays so, and names with their units speak for what lies deeper."""
    found = _slim(schema, _nullable)
    definitions: Schema = found.get("$defs", {})
    for part in definitions.values():
        part.pop("required", None)
        part.pop("description", None)
        for each in part.get("properties", {}).values():
            for keyword in ("description", *_OF_REQUESTS):
                each.pop(keyword, None)
    for name in _EVERYWHERE:
        found.get("properties", {}).get(name, {}).pop("description", None)
    for name, brief in _KNOWN.items():
        if name in definitions:
            definitions[name] = brief
    return _used(found)


def _list_optional(part: Schema | None) -> None:
    """Fields that few requests need, by their names alone."""
    if part is None:
        return
    needed = part["required"]
    others = [name for name in part["properties"] if name not in needed]
    part["properties"] = {name: part["properties"][name] for name in needed}
    part["description"] = f"{part.get('description', '')} Further fields: {', '.join(others)}".strip()


def _list_custom(part: Schema | None) -> None:
    """What a GPU outside of the catalog says of itself, by names alone."""
    if part is None:
        return
    for name in _OF_CUSTOM_GPUS:
        part["properties"].pop(name, None)
    part["description"] = (
        f"{part.get('description', '')} Of a custom gpu: {', '.join(_OF_CUSTOM_GPUS)}".strip()
    )


def _slim(schema: Schema, without_null: Callable[[Schema], Schema]) -> Schema:
    found: Schema = {}
    engines = _engines(schema)
    for key, value in (engines or schema).items():
        if _is_idle(key, value):
            continue
        if key == "if":  # "one of these, else nothing" in fewer words, which readers of tools know better
            found |= _slim(value, without_null)
        elif key in ("properties", "$defs"):
            found[key] = {name: _slim(each, without_null) for name, each in value.items()}
        elif isinstance(value, dict) and key not in ("default", "examples"):
            found[key] = _slim(value, without_null)
        elif key in ("anyOf", "oneOf", "allOf"):
            found[key] = [_slim(each, without_null) for each in value]
        else:
            found[key] = value
    return without_null(found)


def _is_idle(key: str, value: object) -> bool:
    """Whether a keyword says nothing that helps."""
    if key in _BOUNDS:
        return isinstance(value, (int, float)) and value >= _LARGE
    if key == "properties" and isinstance(value, dict) and value:
        return all(each == _NOT_NULL for each in value.values())
    if key == "else":
        return value is False
    return key in _REPEATED or key in _LENGTHS or (key == "default" and value is None)


def _optional(schema: Schema) -> Schema:
    """Without ``null``: what is null may as well be left out."""
    kinds = schema.get("anyOf", [])
    if _NULL not in kinds:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    others = [each for each in kinds if each != _NULL]
    return {**others[0], **rest} if len(others) == 1 else {**rest, "anyOf": others}


def _nullable(schema: Schema) -> Schema:
    """``null`` beside a simple type, in the short form."""
    kinds = schema.get("anyOf", [])
    others = [each for each in kinds if each != _NULL]
    if _NULL not in kinds or len(others) != 1 or not isinstance(others[0].get("type"), str):
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    kind = others[0]
    choices = kind.get("enum") or ([kind["const"]] if "const" in kind else [])
    found = {**kind, **rest, "type": [kind["type"], "null"]}
    found.pop("const", None)
    return {**found, "enum": [*choices, None]} if choices else found


def _engines(schema: Schema) -> Schema | None:
    """One type for all engines, in place of their union; None where the schema is no such union."""
    names: Mapping[str, str] = schema.get("discriminator", {}).get("mapping", {})
    if not names:
        return None
    return {
        "type": "object",
        "description": schema.get("description", "The engine with its own options"),
        "properties": {"name": {"enum": list(names)}},
        "required": ["name"],
    }


def _used(schema: Schema) -> Schema:
    """Without the definitions that nothing refers to any more."""
    definitions: Schema = schema.get("$defs", {})
    wanted: set[str] = set()
    waiting = list(_references({key: value for key, value in schema.items() if key != "$defs"}))
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += _references(definitions[name])
    rest = {key: value for key, value in schema.items() if key != "$defs"}
    kept = {name: each for name, each in definitions.items() if name in wanted}
    return {**rest, "$defs": kept} if kept else rest


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
