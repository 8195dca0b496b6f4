"""Base classes of all wire types: what every request refuses, how unknown fields and nulls are treated."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

MAX_NAMED = 20
MAX_NAME_CHARACTERS = 80

LEAST_PER_S = 1e-6
"""Least of any rate [1/s]: one in twelve days. The clock of a run of rarer arrivals would be too coarse for a step."""

_REQUEST = ConfigDict(strict=True, allow_inf_nan=False, frozen=True)
_NULL = {"type": "null"}


class NullIsAbsent(BaseModel):
    """A request, or a part of one, that takes its default for a field that is null."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: object) -> object:
        if not isinstance(data, dict) or None not in data.values():
            return data
        left_out = never_null(cls)
        return {name: value for name, value in data.items() if value is not None or name not in left_out}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema, with null beside what else may be left out; what tells parts from each other has to be said."""
        schema = handler(core)
        found = handler.resolve_ref_schema(schema)
        needed = found.get("required", ())
        for name, field in found.get("properties", {}).items():
            if name not in needed and "const" not in field:
                found["properties"][name] = _or_null(field)
        return schema


class StrictRequest(NullIsAbsent):
    """A request, or a part of one, that refuses unknown fields.

    Numbers are strict: no booleans, no strings, no NaN, no infinities. Arrays are declared as ``list``,
    because strict validation of decoded JSON takes no list for a ``tuple``.
    """

    model_config = ConfigDict(**_REQUEST, extra="forbid")


def where_said(field: str) -> JsonSchemaValue:
    """The schema of what says a field, to tell parts from each other: null is as absent."""
    return {"required": [field], "properties": {field: {"not": {"type": "null"}}}}


def exactly_one(fields: Iterable[str]) -> JsonSchemaValue:
    """The schema of an object that says one of these fields and no other of them.

    As a condition, since generators of clients take a bare ``oneOf`` for as many types, each of a single untyped field.
    """
    return {"if": {"oneOf": [where_said(field) for field in fields]}, "else": False}


def fault_at(kind: type[BaseModel], field: str, accepted: str, given: object) -> ValidationError:
    """A refusal of one field, for what several fields together decide."""
    said = PydanticCustomError("value_error", "{accepted}", {"accepted": accepted})
    details = InitErrorDetails(type=said, loc=(field,), input=given)
    return ValidationError.from_exception_data(kind.__name__, [details])


class LenientRequest(NullIsAbsent):
    """A request, or a part of one, that answers in spite of unknown fields and warns of each."""

    model_config = ConfigDict(**_REQUEST, extra="allow")

    def unknown_field_warnings(self) -> list[str]:
        """Return one sentence for each unknown field, here and in nested parts, with the nearest name."""
        found = list(self.unknown_fields())
        named = [_unknown_field_warning(path, known) for path, known in found[:MAX_NAMED]]
        unnamed = len(found) - len(named)
        return [*named, f"{unnamed} more unknown fields, ignored"] if unnamed else named

    def unknown_fields(self, prefix: str = "") -> Iterator[tuple[str, list[str]]]:
        """Yield the path of each unknown field with the names that are known in its place."""
        for name in self.model_extra or ():
            yield prefix + name, list(type(self).model_fields)
        for name in _lenient_parts(type(self)):
            part = getattr(self, name)
            if part is not None:
                yield from part.unknown_fields(f"{prefix}{name}.")


class Answer(BaseModel):
    """A response, or a part of one: made by the product itself, never read from outside.

    Its validator is built when it is first needed, which the service rarely does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


@cache
def _lenient_parts(kind: type[LenientRequest]) -> tuple[str, ...]:
    """Return the fields of a request that hold such a part or None."""
    kind.model_rebuild()  # resolves names that were not defined yet when the class was
    found = []
    for name, field in kind.model_fields.items():
        named = (field.annotation, *get_args(field.annotation))
        if any(isinstance(each, type) and issubclass(each, LenientRequest) for each in named):
            found.append(name)
    return tuple(found)


def _unknown_field_warning(path: str, known: list[str]) -> str:
    """Return the sentence for one unknown field, whose name is shortened where it is absurdly long."""
    shown = path if len(path) <= MAX_NAME_CHARACTERS else f"{path[:MAX_NAME_CHARACTERS]}…"
    return f"{shown}: unknown field, ignored{nearest_name_hint(shown, known)}"


def nearest_name_hint(name: str, known: list[str]) -> str:
    """Return ``; did you mean …?`` with the known name closest to the last part of ``name``, or nothing."""
    close = get_close_matches(name.rpartition(".")[2].lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


@cache
def never_null(kind: type[BaseModel]) -> frozenset[str]:
    """Fields that may be left out and have no null of their own."""
    optional = {name: info for name, info in kind.model_fields.items() if not info.is_required()}
    return frozenset(name for name, info in optional.items() if not _takes_null(info.annotation))


def _takes_null(annotation: Any) -> bool:  # noqa: ANN401 - as a field is declared
    try:
        TypeAdapter(annotation).validate_python(None)
    except ValidationError:
        return False
    return True


def _or_null(field: JsonSchemaValue) -> JsonSchemaValue:
    """A field's schema with null beside its kinds; what is said of the field stays with it."""
    if "anyOf" in field:
        kinds = field["anyOf"]
        return field if _NULL in kinds else {**field, "anyOf": [*kinds, _NULL]}
    said: JsonSchemaValue = {
        name: field[name] for name in ("default", "description", "title") if name in field
    }
    kind = {name: value for name, value in field.items() if name not in said}
    return {"anyOf": [kind, _NULL], **said}
